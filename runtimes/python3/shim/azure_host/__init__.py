"""Azure Functions: the host's side of apps. Their library, or the platform's, does the rest."""
