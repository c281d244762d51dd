"""Installs a package's dependencies. Reads the package from ./package and its options from ./in; writes to ./out what belongs
beside the package's files. Its output is the log of the build."""

import json
import os
import shutil
import subprocess
import sys
import tomllib

ROOT = "/build"
OUT = f"{ROOT}/out"
TOOLS = f"{ROOT}/tools"
UV = "uv==0.13.9"


def main():
    os.chdir(f"{ROOT}/package")
    secrets = f"{ROOT}/in/secrets.json"
    with open(secrets, encoding="utf-8") as file:
        os.environ.update(json.load(file))
    os.remove(secrets)
    trust_operator()
    wanted = {"uv.lock": locked, "requirements.txt": listed, "pyproject.toml": declared}
    wanted[os.environ["DEPENDENCY_LIST"]]()
    # The first line of the packages' scripts contains this builder's path.
    shutil.rmtree(f"{OUT}/bin", ignore_errors=True)


def trust_operator():
    """Trusts the operator's certificate authorities in addition to the runtime's."""
    own = f"{ROOT}/in/ca.crt"
    if os.path.exists(own):
        with open(own, "ab") as to, open("/etc/ssl/certs/ca-certificates.crt", "rb") as known:
            to.write(b"\n" + known.read())


def listed():
    pip("--requirement", "requirements.txt")


def locked():
    """Uses uv's locked versions with hashes; nothing is resolved again."""
    found = f"{ROOT}/tmp/locked.txt"
    install("--target", TOOLS, UV)
    run(f"{TOOLS}/bin/uv", "export", "--frozen", "--no-dev", "--no-emit-project", "--quiet", "--output-file", found)
    pip("--no-deps", "--requirement", found)


def declared():
    with open("pyproject.toml", "rb") as file:
        wanted = tomllib.load(file).get("project", {}).get("dependencies", [])
    found = f"{ROOT}/tmp/declared.txt"
    with open(found, "w", encoding="utf-8") as file:
        file.write("\n".join(wanted))
    pip("--requirement", found)


def pip(*args):
    install("--target", OUT, *args)


def install(*args):
    quiet = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--progress-bar=off"]
    run(sys.executable, "-m", "pip", "install", *quiet, *args)


def run(*command):
    print("$", " ".join([os.path.basename(command[0]), *command[1:]]), flush=True)
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        sys.exit(137 if code == -9 else code)


if __name__ == "__main__":
    main()
