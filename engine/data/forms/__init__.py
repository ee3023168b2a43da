"""What images and labels are stored in besides folders: tables, arrays, exports of other tools."""
