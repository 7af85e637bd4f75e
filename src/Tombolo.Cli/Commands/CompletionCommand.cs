// SPDX-License-Identifier: MIT
using System.CommandLine;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo completion</c>: prints a shell's completion script. The scripts ask the program itself, so they never go out of date.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # bash completion for tombolo; put it in /usr/share/bash-completion/completions/tombolo, or: source <(tombolo completion bash)
        _tombolo() {
            local words IFS=$'\n'
            words=$(tombolo "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null) || words=
            COMPREPLY=($(compgen -W "${words}" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -o bashdefault -F _tombolo tombolo
        """;

    private const string Zsh = """
        #compdef tombolo
        # zsh completion for tombolo; put it as _tombolo in a folder of $fpath, or: source <(tombolo completion zsh)
        _tombolo() {
            local -a words
            words=("${(@f)$(tombolo "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            if (( ${#words} )) && [[ -n ${words[1]} ]]; then compadd -a words; else _files; fi
        }
        if [[ ${funcstack[1]} == _tombolo ]]; then _tombolo "$@"; else compdef _tombolo tombolo; fi
        """;

    private const string Fish = """
        # fish completion for tombolo; put it in ~/.config/fish/completions/tombolo.fish, or: tombolo completion fish | source
        function __tombolo_complete
            set -l line (commandline -cp)
            tombolo "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c tombolo -a '(__tombolo_complete)'
        """;

    /// <summary>The shells there is a script for.</summary>
    public static readonly IReadOnlyDictionary<string, string> Scripts = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["bash"] = Bash, ["fish"] = Fish, ["zsh"] = Zsh };

    public static Command Create(CommandContext context)
    {
        Argument<string> shell = new("shell") { Description = "bash, zsh or fish." };
        _ = shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        ExampleCommand command = new("completion", "Prints a completion script for a shell.", "source <(tombolo completion bash)", "tombolo completion fish > ~/.config/fish/completions/tombolo.fish") { shell };
        command.SetAction(parsed =>
        {
            context.Screen.Line(Scripts[parsed.GetRequiredValue(shell)]);
            return Output.ExitCode.Done;
        });
        return command;
    }
}
