"""Run the production stack under load while its processes are killed, frozen and restarted."""
