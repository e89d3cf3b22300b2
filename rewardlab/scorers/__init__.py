"""Who makes signals: verifiers, text rewards, forward passes and others."""
