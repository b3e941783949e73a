# METADATA
# title: Quantities of resources
# description: |
#   Quantities as Kubernetes reads them, 500m or 1Gi, as whole billionths rounded up, which can be compared. Those of
#   more than 36 digits or with an exponent above 18 are none here.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
package lib.quantities

# A quantity in whole billionths, rounded up as Kubernetes does; null for what is no quantity of zero or more.
# Integers only: both engines are exact on them at any size, but read more than 18 digits at once as floating point.
amount(quantity) := to_number(digits) * unit if {
	is_string(quantity)
	suffix := trim_left(quantity, "0123456789")
	unit := plain[suffix]
	digits := trim_suffix(quantity, suffix)
	digits != ""
	count(digits) <= 18
	not startswith(digits, "0")
} else := _shifted(digits, by) if {
	text := _text(quantity)
	count(text) <= 50
	[_, whole, fraction, suffix] := regex.find_all_string_submatch_n(_quantity, text, 1)[0]
	count(whole) + count(fraction) > 0
	count(whole) + count(fraction) <= 36
	by := (9 + _power_of_ten(suffix)) - count(fraction)
	digits := _multiplied(concat("", [whole, fraction]), object.get(_power_of_two, suffix, 1))
} else := null

_text(quantity) := quantity if is_string(quantity)

_text(quantity) := json.marshal(quantity) if is_number(quantity)

_quantity := `^\+?([0-9]*)\.?([0-9]*)([numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]{1,2})$`

# The suffixes seen most, in billionths.
plain := {
	"": 1000000000,
	"m": 1000000,
	"Ki": 1024000000000,
	"Mi": 1048576000000000,
	"Gi": 1073741824000000000,
}

_power_of_two := {
	"Ki": 1024,
	"Mi": 1048576,
	"Gi": 1073741824,
	"Ti": 1099511627776,
	"Pi": 1125899906842624,
	"Ei": 1152921504606846976,
}

_decimal := {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

_power_of_ten(suffix) := exponent if {
	exponent := _decimal[suffix]
} else := 0 if {
	_power_of_two[suffix]
} else := 0 - _integer(trim_left(suffix, "eE-")) if {
	contains(suffix, "-")
} else := exponent if {
	exponent := _integer(trim_left(suffix, "eE+"))
	exponent <= 18
}

_multiplied(digits, factor) := digits if factor == 1

_multiplied(digits, factor) := format_int(_integer(digits) * factor, 10) if factor != 1

# The digits with their point moved to the right, or to the left and rounded up.
_shifted(digits, by) := _integer(concat("", [digits, substring(_zeros, 0, by)])) if by >= 0

_shifted(digits, by) := _integer(substring(digits, 0, kept)) + _sign(substring(digits, kept, -1)) if {
	by < 0
	kept := max([0, count(digits) + by])
}

_sign(digits) := 0 if {
	trim_left(digits, "0") == ""
} else := 1

_integer(digits) := (((((a * 1000000000000000000) + b) * 1000000000000000000) + c) * 1000000000000000000) + d if {
	text := substring(concat("", [_zeros, digits]), count(digits), -1)
	[a, b, c, d] := [n | some at in [0, 18, 36, 54]; n := _small(trim_left(substring(text, at, 18), "0"))]
}

_small(digits) := 0 if digits == ""

_small(digits) := to_number(digits) if digits != ""

_zeros := "000000000000000000000000000000000000000000000000000000000000000000000000"
