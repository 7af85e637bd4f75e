# bash completion for tombolo; put it in /usr/share/bash-completion/completions/tombolo, or: source <(tombolo completion bash)
_tombolo() {
    local words IFS=$'\n'
    words=$(tombolo "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null) || words=
    COMPREPLY=($(compgen -W "${words}" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -o bashdefault -F _tombolo tombolo
