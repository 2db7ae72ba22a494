"""Who may ask for what, and how much of it. Knows no HTTP: keys, their scopes and their quotas."""
