package lib.pattern_test

import data.lib.pattern

test_names_fit_as_a_whole if {
	pattern.fits("main", ["dev", "main"])
	every name in ["mainly", "a-main", "Main", "", null, 5, {}] {
		not pattern.fits(name, ["dev", "main"])
	}
	not pattern.fits("main", [])
}

test_a_star_stands_for_any_characters if {
	every name in ["team-", "team-a", "team-a/b.c-d"] {
		pattern.fits(name, ["x", "team-*"])
	}
	every name in ["team", "a-team-b", "", null, 5, ["team-a"]] {
		not pattern.fits(name, ["x", "team-*"])
	}
	pattern.fits("1.0-SNAPSHOT", ["*-SNAPSHOT"])
	pattern.fits("anything/at all", ["*"])
	pattern.fits("shop/web-1", ["shop/*-1"])
}
