"""Services that run language models, behind one interface: `interface.Provider`.

Only this package imports model SDKs. Requests and answers are those of the OpenAI protocol, as plain
dictionaries; an adapter for another protocol translates both ways. Nothing here knows budgets or rows.
"""
