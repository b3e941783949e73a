package lib.account_test

import data.lib.account

test_the_newer_field_comes_first if {
	account.name({"serviceAccountName": "app", "serviceAccount": "old"}) == "app"
	account.name({"serviceAccountName": "", "serviceAccount": "old"}) == "old"
	account.name({"serviceAccountName": null, "serviceAccount": "old"}) == "old"
}

test_without_a_name_it_is_the_default_one if {
	every spec in [{}, {"serviceAccountName": ""}, {"serviceAccountName": 5, "serviceAccount": {}}] {
		account.name(spec) == "default"
	}
}
