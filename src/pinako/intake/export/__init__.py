"""What goes out: folders of files for any tool, and takeouts that another Pinako brings in as they were."""
