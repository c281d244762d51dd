"""Installs a package's dependencies. Reads the package from ./package and its options from ./in; writes to ./out what belongs
beside the package's files. Its output is the log of the build."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

ROOT = "/build"
OUT = f"{ROOT}/out"
TOOLS = f"{ROOT}/tools"
UV = "uv==0.13.9"
POETRY = ["poetry==2.5.1", "poetry-plugin-export==1.10.1"]
PIPENV = "pipenv==2026.10.3"
FOUND = f"{ROOT}/tmp/found.txt"


def main():
    os.chdir(f"{ROOT}/package")
    secrets = f"{ROOT}/in/secrets.json"
    with open(secrets, encoding="utf-8") as file:
        os.environ.update(json.load(file))
    os.remove(secrets)
    trust_operator()
    wanted = {
        "uv.lock": by_uv,
        "requirements.txt": listed,
        "poetry.lock": by_poetry,
        "Pipfile.lock": by_pipenv,
        "pyproject.toml": declared,
    }
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
    pip("--requirement", without_editable("requirements.txt"))


def by_uv():
    """Uses uv's locked versions with hashes; nothing is resolved again."""
    install("--target", TOOLS, UV)
    parts = ["--frozen", "--no-dev", "--no-emit-project", "--no-editable", "--quiet", "--output-file", FOUND]
    run(f"{TOOLS}/bin/uv", "export", *parts)
    pip_locked()


def by_poetry():
    """Uses Poetry's locked versions with hashes, of the main group."""
    tool(*POETRY)
    if not os.path.exists("poetry.lock"):
        print("There is no lock file: the newest versions that pyproject.toml allows are installed.", flush=True)
        run(sys.executable, "-m", "poetry", "lock", "--no-interaction")
    parts = ["--only", "main", "--with-credentials", "--no-interaction", "--output", FOUND]
    run(sys.executable, "-m", "poetry", "export", *parts)
    pip_locked()


def by_pipenv():
    """Uses Pipenv's locked versions with hashes, without those for development."""
    tool(PIPENV)
    with open(FOUND, "w", encoding="utf-8") as file:
        run(sys.executable, "-m", "pipenv", "requirements", "--hash", stdout=file)
    pip_locked()


def declared():
    with open("pyproject.toml", "rb") as file:
        known = tomllib.load(file)
    wanted = known.get("project", {}).get("dependencies", [])
    if not wanted and "poetry" in known.get("tool", {}):
        return by_poetry()
    with open(FOUND, "w", encoding="utf-8") as file:
        file.write("\n".join(wanted))
    return pip("--requirement", FOUND)


def pip_locked():
    """Installs what a tool exported. Folders have no hashes, and pip wants hashes for all of a file or for none."""
    with open(without_editable(FOUND), encoding="utf-8") as file:
        lines = file.read().replace("\\\n", " ").splitlines()
    options = [line for line in lines if line.startswith("-") and not hides_index(line)]
    wanted = [line for line in lines if line and line[0] not in "-#"]
    hashed = [line for line in wanted if "--hash" in line]
    for some in [hashed, [line for line in wanted if "--hash" not in line]]:
        if some:
            with open(FOUND, "w", encoding="utf-8") as file:
                file.write("\n".join([*options, *some]))
            pip("--no-deps", "--requirement", FOUND)


def hides_index(option):
    """Lock files name the public index, which pip would then use in place of the operator's."""
    public = re.fullmatch(r"(-i|--index-url)[ =]+https://pypi\.org/simple/?\s*", option)
    return public is not None and "PIP_INDEX_URL" in os.environ


def without_editable(path, seen=None):
    """Makes editable requirements ordinary ones, which stay where this folder does not. Returns the path."""
    seen = set() if seen is None else seen
    if path in seen or not os.path.isfile(path):
        return path
    seen.add(path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for other in re.findall(r"^\s*(?:-[rc]|--requirement|--constraint)[ =]*(\S+)", text, re.MULTILINE):
        without_editable(os.path.join(os.path.dirname(path), other), seen)
    ordinary = re.sub(r"^(\s*)(?:-e|--editable)[ =]+", r"\1", text, flags=re.MULTILINE)
    if ordinary != text:
        print(f"Editable requirements of {os.path.basename(path)} are installed as ordinary ones.", flush=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(ordinary)
    return path


def tool(*wanted):
    """Installs programs of Python that run as modules."""
    install("--target", TOOLS, "--quiet", *wanted)
    os.environ["PYTHONPATH"] = TOOLS


def pip(*args):
    os.environ.pop("PYTHONPATH", None)
    install("--target", OUT, *args)


def install(*args):
    quiet = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--progress-bar=off"]
    run(sys.executable, "-m", "pip", "install", *quiet, *args)


def run(*command, stdout=None):
    print("$", " ".join([os.path.basename(command[0]), *command[1:]]), flush=True)
    code = subprocess.run(command, check=False, stdout=stdout).returncode
    if code != 0:
        sys.exit(137 if code == -9 else code)


if __name__ == "__main__":
    main()
