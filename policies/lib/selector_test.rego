package lib.selector_test

import data.lib.selector

_labels := {"app": "web", "tier": "front", "empty": ""}

_one(key, operator, values) := {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}

test_an_empty_selector_selects_everything if {
	every empty in [{}, {"matchLabels": {}}, {"matchExpressions": []}] {
		selector.fits(_labels, empty)
		selector.fits({}, empty)
	}
}

test_labels_must_all_match if {
	selector.fits(_labels, {"matchLabels": {"app": "web", "tier": "front"}})
	selector.fits(_labels, {"matchLabels": {"empty": ""}})
	not selector.fits(_labels, {"matchLabels": {"app": "web", "tier": "back"}})
	not selector.fits(_labels, {"matchLabels": {"team": "shop"}})
	not selector.fits({}, {"matchLabels": {"app": ""}})
}

test_expressions_hold_as_in_kubernetes if {
	selector.fits(_labels, _one("app", "In", ["db", "web"]))
	not selector.fits(_labels, _one("app", "In", ["db"]))
	not selector.fits(_labels, _one("team", "In", ["shop"]))
	selector.fits(_labels, _one("app", "NotIn", ["db"]))
	selector.fits(_labels, _one("team", "NotIn", ["shop"]))
	not selector.fits(_labels, _one("app", "NotIn", ["web"]))
	selector.fits(_labels, _one("empty", "Exists", []))
	not selector.fits(_labels, _one("team", "Exists", []))
	selector.fits(_labels, _one("team", "DoesNotExist", []))
	not selector.fits(_labels, _one("app", "DoesNotExist", []))
}

test_labels_and_expressions_must_both_hold if {
	both := object.union({"matchLabels": {"app": "web"}}, _one("tier", "In", ["front"]))
	selector.fits(_labels, both)
	not selector.fits({"app": "web"}, both)
	not selector.fits({"tier": "front"}, both)
}

test_an_operator_that_is_none_selects_nothing if {
	not selector.fits(_labels, _one("app", "Is", ["web"]))
}
