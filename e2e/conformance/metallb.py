#!/usr/bin/env python3
"""What MetalLB tells FRR in its own unit tests, said by manifests to a `herald` binary, and counted.

A case is a list of operations on sessions, advertisements and BFD profiles; what is left after the last one becomes BGPPeers,
BFDProfiles and, for each advertisement, a pool with that address, a Service that has it and a BGPAdvertisement to that peer.

Three values of the cases cannot be said by a manifest, so both sides of the comparison change them alike:
- a hold time of 1 s, which BGP forbids (RFC 4271 section 4.2), is 6 s: then FRR takes each keepalive time of the cases too;
- 172.16.1.10/24 is no prefix: FRR would see one where the case means several. It is 172.16.1.10/32;
- a second router id on the node, which MetalLB's validation refuses too, is the first one.
"""
import argparse
import ipaddress
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
IGNORE = "hostname,log,debug,service,frr-version,line,description"
NODE = "node1"
DEFAULT_MODE = "metallb-frrk8s"
OWN_ASN = "ConflictingASN"  # peers that meet on a node and in a VRF have one own AS number: MetalLB's validation too
DUPLICATE = "DuplicatePeer"  # and no peer is there twice: the case calls a function behind the validation
# Cases that manifests cannot say (docs/decisions/0006): each must fail, with this in what is said.
LISTED = {
    "metallb-frr/TestIPv4AndIPv6SessionsDualStackFamily": OWN_ASN,
    "metallb-frr/TestTwoIPv6Sessions": OWN_ASN,
    "metallb-frr/TestTwoSessions": OWN_ASN,
    "metallb-frr/TestTwoSessionsDuplicate": DUPLICATE,
    "metallb-frrk8s/TestTwoIPv6Sessions": OWN_ASN,
    "metallb-frrk8s/TestTwoSessions": OWN_ASN,
    "metallb-frrk8s/TestTwoSessionsDuplicate": DUPLICATE,
}


def final(case):
    """Sessions in force with their advertisements, BFD profiles and extras, after the last operation."""
    sessions, profiles, extras = {}, [], None
    for step in case["operations"] or []:
        if step["op"] == "newSession":
            sessions[step["session"]] = (step["peer"], [])
        elif step["op"] == "set":
            sessions[step["session"]] = (sessions[step["session"]][0], step["advertisements"] or [])
        elif step["op"] == "close":
            del sessions[step["session"]]
        elif step["op"] == "syncBFDProfiles":
            profiles = step["profiles"] or []
        elif step["op"] == "syncExtraInfo":
            extras = step["extra"]
        else:
            raise ValueError(f"operation {step['op']}")
    return list(sessions.values()), profiles, extras


def custom(kind, version, name, spec):
    meta = {"name": name, "namespace": "metallb-system"}
    return {"apiVersion": f"metallb.io/{version}", "kind": kind, "metadata": meta, "spec": spec}


def peer_of(session):
    spec = {k: v for k, v in session.items() if k not in ("name", "currentNode")}
    if spec.get("holdTime") == "1s":
        spec["holdTime"] = "6s"
    return custom("BGPPeer", "v1beta2", session["name"], spec)


def secret_of(session):
    """The Secret that a session names, if it does; its password is in no case."""
    reference = session.get("passwordSecret") or {}
    if not reference.get("name"):
        return []
    meta = {"name": reference["name"], "namespace": "metallb-system"}
    kind = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth"}
    return [{**kind, "metadata": meta, "stringData": {"password": "secret"}}]


def service_of(name, address):
    family = "IPv6" if ":" in address else "IPv4"
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    meta = {"name": name, "namespace": "default"}
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": meta,
        "spec": {"type": "LoadBalancer", "ports": [port], "selector": {"app": name}, "ipFamilies": [family]},
        "status": {"loadBalancer": {"ingress": [{"ip": address}]}},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family, "ports": [port],
        "metadata": {**meta, "labels": {"kubernetes.io/service-name": name}},
        "endpoints": [{"addresses": ["2001:db8::1" if family == "IPv6" else "192.0.2.1"],
                       "conditions": {"ready": True}, "nodeName": NODE}],
    }
    return [service, endpoints]


def manifests(case):
    sessions, profiles, extras = final(case)
    found = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}}}]
    found += [custom("BFDProfile", "v1beta1", p["name"], {k: v for k, v in p.items() if k != "name"}) for p in profiles]
    if extras is not None:
        meta = {"name": "bgpextras", "namespace": "metallb-system"}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"extras": extras}})
    names = {}
    for session, advertisements in sessions:
        found += [peer_of(session), *secret_of(session)]
        for number, advertisement in enumerate(advertisements):
            address = advertisement["prefix"].split("/")[0]
            name = names.setdefault(address, f"service-{len(names)}")
            spec = {k: advertisement[k] for k in ("communities", "localPref") if advertisement.get(k)}
            spec |= {"ipAddressPools": [name], "peers": [session["name"]]}
            found.append(custom("BGPAdvertisement", "v1beta1", f"{session['name']}-{number}", spec))
    for address, name in names.items():
        bits = ipaddress.ip_address(address).max_prefixlen
        found.append(custom("IPAddressPool", "v1beta1", name, {"addresses": [f"{address}/{bits}"]}))
        found += service_of(name, address)
    return found


def sayable(text):
    text = re.sub(r'(bgp router-id |"routerID": "|"id": ")10\.3\.3\.254', r"\g<1>10.1.1.254", text)
    return re.sub(r"\b(172\.16\.1\.\d+)/24\b", r"\1/32", text)


def expected_of_frr(folder, _case, _render):
    text = sayable((folder / "frr.conf").read_text())
    return re.sub(r"^(\s*neighbor \S+ timers \d+) 1$", r"\1 6", text, flags=re.M)


def expected_of_frr_k8s(folder, case, render):
    """The FRRConfiguration, with what MetalLB loses in this mode (docs/decisions/0007) put back, rendered."""
    wanted = json.loads(sayable((folder / "frrconfiguration.json").read_text()))
    wanted |= {"apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRConfiguration"}
    wanted.pop("status", None)
    wanted["spec"].pop("nodeSelector", None)
    lost = {(s.get("peerAddress") or s.get("interface"), s.get("vrf", "")): s for s, _ in final(case)[0]}
    for router in wanted["spec"].get("bgp", {}).get("routers", []):
        for neighbor in router.get("neighbors", []):
            if neighbor.get("holdTime") == "1s":
                neighbor["holdTime"] = "6s"
            if not neighbor.get("passwordSecret"):
                neighbor.pop("passwordSecret", None)
            session = lost[neighbor.get("address") or neighbor.get("interface"), router.get("vrf", "")]
            for theirs, ours in (("sourceAddress", "sourceaddress"), ("localASN", "localASN")):
                if session.get(theirs):
                    neighbor[ours] = session[theirs]
    return render([wanted])


class Failed(Exception):
    """What went wrong with a case."""


def verdict(herald, folder, scratch):
    def render(objects):
        source = scratch / "input.yaml"
        source.write_text("".join(f"---\n{json.dumps(o)}\n" for o in objects))
        argv = [herald, "render", "-f", str(source), "--node", NODE, "--show-secrets"]
        run = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        if run.returncode != 0:
            raise Failed(f"render exited {run.returncode}: {run.stderr.strip()}")
        return run.stdout

    case = json.loads(sayable((folder / "input.json").read_text()))
    expected = expected_of_frr_k8s if folder.parent.name == DEFAULT_MODE else expected_of_frr
    wanted, got = scratch / "wanted.conf", scratch / "got.conf"
    got.write_text(render(manifests(case)))
    wanted.write_text(expected(folder, case, render))
    argv = [sys.executable, "-B", str(HERE / "frrsem.py"), "--ignore", IGNORE, str(wanted), str(got)]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        raise Failed((run.stdout + run.stderr).strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--herald", required=True, help="path of the herald binary")
    parser.add_argument("--cases", type=pathlib.Path, required=True, help="root folder of the cases")
    args = parser.parse_args()
    bad = False
    for suite in ("metallb-frr", DEFAULT_MODE):
        passed = failed = listed = 0
        for source in sorted((args.cases / suite).glob("*/input.json")):
            name = f"{suite}/{source.parent.name}"
            try:
                with tempfile.TemporaryDirectory() as scratch:
                    verdict(args.herald, source.parent, pathlib.Path(scratch))
                said = "listed, but it passes" if name in LISTED else None
            except (Failed, ValueError) as error:
                said = None if name in LISTED and LISTED[name] in str(error) else str(error)
            listed += said is None and name in LISTED
            passed += said is None and name not in LISTED
            failed += said is not None
            if said:
                print(f"FAIL {name}: {said[:1500]}")
        print(f"{suite}: {passed} passed, {failed} failed, {listed} listed")
        bad |= bool(failed) or not passed
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
