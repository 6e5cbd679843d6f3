"""The `brainscan` command."""
