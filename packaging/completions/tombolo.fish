# fish completion for tombolo; put it in ~/.config/fish/completions/tombolo.fish, or: tombolo completion fish | source
function __tombolo_complete
    set -l line (commandline -cp)
    tombolo "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
end
complete -c tombolo -a '(__tombolo_complete)'
