"""How the tap's events land in files: no part of this package but `tasks` knows of Airflow."""
