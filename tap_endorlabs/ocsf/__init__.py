"""The mapper `endorlabs-ocsf`: records of the tap to events of the Open Cybersecurity Schema Framework (OCSF)."""
