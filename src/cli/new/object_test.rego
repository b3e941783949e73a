package policies.{{name}}_test

import data.policies.{{name}}

_denied(metadata) := denied if {
	request := {"object": {"metadata": metadata}}
	denied := {{name}}.deny with input as {"request": request, "parameters": {"label": "team"}}
}

test_denies_what_has_no_label if {
	every metadata in [{}, {"labels": null}, {"labels": {}}, {"labels": {"team": ""}}, {"labels": {"team": 7}}] {
		_denied(metadata) == {{
			"msg": "label team is missing or empty",
			"field": "metadata.labels[\"team\"]",
			"remedy": "set metadata.labels[\"team\"] to your team's name",
		}}
	}
}

test_accepts_what_has_the_label if count(_denied({"labels": {"team": "shop"}})) == 0
