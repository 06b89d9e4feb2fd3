#!/bin/sh
# Makes the certificates of this folder anew, all at once: the keys of the authorities are not kept.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1"; }

# authority FILE NAME
authority() {
    key "$work/$1.key"
    openssl req -x509 -new -key "$work/$1.key" -out "$1.crt" -days 36500 -subj "/CN=$2" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
    : >"$work/$1.index"
    echo 01 >"$work/$1.serial"
    cat >"$work/$1.cnf" <<END
[ca]
default_ca = it
[it]
database = $work/$1.index
serial = $work/$1.serial
new_certs_dir = $work
certificate = $1.crt
private_key = $work/$1.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = any_name
[any_name]
END
}

# leaf AUTHORITY FILE NAME ALTERNATIVE USAGE FROM TO
leaf() {
    openssl req -new -key leaf.key -subj "/CN=$3" -out "$work/request"
    printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=%s\nextendedKeyUsage=%s\n' "$4" "$5" >"$work/extensions"
    openssl ca -batch -notext -config "$work/$1.cnf" -in "$work/request" -out "$2.crt" \
        -extfile "$work/extensions" -startdate "$6" -enddate "$7"
}

authority ca "Andon test authority"
authority other-ca "Andon other test authority"
key leaf.key
long="20260101000000Z 21250101000000Z"
leaf ca server localhost DNS:localhost serverAuth $long
leaf ca expired localhost DNS:localhost serverAuth 20200101000000Z 20200102000000Z
leaf ca elsewhere elsewhere.example DNS:elsewhere.example serverAuth $long
leaf ca client andon DNS:andon.example clientAuth $long
leaf other-ca stranger andon DNS:andon.example clientAuth $long
