package lib.quantities_test

import data.lib.quantities

_billion := 1000000000

test_quantities_are_read_in_every_notation if {
	every quantity, amount in {
		"1": _billion, "500m": 500000000, "0.5": 500000000, ".5": 500000000, "1.": _billion, "+2": 2 * _billion,
		"1Ki": 1024 * _billion, "1k": 1000 * _billion, "1e3": 1000 * _billion, "1E3": 1000 * _billion,
		"1.5Gi": 1610612736 * _billion, "1Ti": 1099511627776 * _billion, "3n": 3, "2u": 2000, "0": 0, "007": 7 * _billion,
	} {
		quantities.amount(quantity) == amount
	}
	quantities.amount(2) == 2 * _billion
	quantities.amount(0.5) == 500000000
}

test_what_is_below_a_billionth_is_rounded_up if {
	quantities.amount("0.0000000001") == 1
	quantities.amount("1e-10") == 1
	quantities.amount("0.0000000010") == 1
}

test_larger_quantities_have_larger_amounts if {
	every pair in [["999m", "1"], ["1023Mi", "1Gi"], ["1G", "1Gi"], ["1000", "1Ki"], ["9E", "9Ei"]] {
		quantities.amount(pair[0]) < quantities.amount(pair[1])
	}
}

test_what_is_no_quantity_has_no_amount if {
	every value in [
		"", "m", "-1", "1 Gi", "1gi", "1KiB", "1e19", ".", "1.2.3", null, true, [], {}, -1, "1\n",
		"1234567890123456789012345678901234567",
	] {
		quantities.amount(value) == null
	}
}
