"""The joined tables: proxy-status, proxy-config, istiod-logs, webhooks, namespaces."""
