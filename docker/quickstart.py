"""An ordinary program: nothing in it knows of farside. It works on files in /srv/app."""
import os

folder = "/srv/app"

with open(f"{folder}/settings.ini") as file:
    print("read settings.ini:", file.read().strip())

with open(f"{folder}/journal.txt", "a") as file:
    file.write("a line appended by quickstart.py\n")

with open(f"{folder}/table.bin", "wb+") as file:
    file.write(b"0123456789")
    file.seek(-4, os.SEEK_END)
    file.write(b"xy")
    file.seek(0)
    print("wrote table.bin:", file.read().decode())

directory = os.open(folder, os.O_RDONLY)
os.mkdir("made-here", dir_fd=directory)
with open(os.open("made-here/note.txt", os.O_WRONLY | os.O_CREAT, dir_fd=directory), "w") as file:
    file.write("opened relative to a directory's descriptor\n")
print("listed:", " ".join(sorted(os.listdir(directory))))
