"""What joins the rooms into one program: settings, construction, processes."""
