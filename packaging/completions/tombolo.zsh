#compdef tombolo
# zsh completion for tombolo; put it as _tombolo in a folder of $fpath, or: source <(tombolo completion zsh)
_tombolo() {
    local -a words
    words=("${(@f)$(tombolo "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
    if (( ${#words} )) && [[ -n ${words[1]} ]]; then compadd -a words; else _files; fi
}
if [[ ${funcstack[1]} == _tombolo ]]; then _tombolo "$@"; else compdef _tombolo tombolo; fi
