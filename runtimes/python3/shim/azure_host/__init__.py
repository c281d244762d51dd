"""Azure Functions: what its host does for apps. Their library, or that of the platform, does the rest."""
