"""The plans of simulated jobs, a module for each kind: what will happen to a job, and what it shows at any moment."""
