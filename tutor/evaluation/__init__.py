"""How well the tutor keeps to its rules, measured: the guardrail on labelled answers, prompts on situations.

`manage.py evaluate_tutor` runs it; the data are files here, in both languages.
"""
