"""The HTTP side: routes, options from requests, problem documents, admission."""
