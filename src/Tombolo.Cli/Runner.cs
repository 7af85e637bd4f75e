// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Text.RegularExpressions;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Linux;

namespace Tombolo.Cli;

/// <summary>Runs one command line: parses it, invokes the command, and turns every failure into one sentence and an exit code.</summary>
internal static partial class Runner
{
    /// <summary>Runs it.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="screen">Where the command writes.</param>
    /// <param name="environment">Looks up an environment variable.</param>
    /// <param name="stop">Ends the command in good order.</param>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] arguments, Screen screen, Func<string, string?> environment, CancellationToken stop)
    {
        ParseResult parsed = CommandTree.Create(new CommandContext(screen, environment)).Parse(arguments, new() { ResponseFileTokenReplacer = null });   // @releaseDomain is a path of the store, not a file of arguments
        if (parsed.Errors.Count > 0 && parsed.Action is null or System.CommandLine.Invocation.ParseErrorAction)
        {
            string path = PathOf(parsed.CommandResult.Command);
            screen.Complain($"{path}: {Sentence(Mistake(parsed))} Try '{path} --help'.");
            return ExitCode.WrongUse;
        }
        try
        {
            InvocationConfiguration configuration = new() { Output = screen.Out, Error = screen.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, stop);
        }
        catch (Exception exception)
        {
            return Explain(exception, PathOf(parsed.CommandResult.Command), screen, environment, stop);
        }
    }

    /// <summary>The command with those above it, as the user types it.</summary>
    public static string PathOf(Command command)
    {
        List<string> names = [command is RootCommand ? "tombolo" : command.Name];
        for (Symbol? at = command.Parents.FirstOrDefault(); at is not null; at = at.Parents.FirstOrDefault())
            names.Insert(0, at is RootCommand ? "tombolo" : at.Name);
        return string.Join(' ', names);
    }

    private static string Mistake(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens.Count == 0) return InWords(parsed.Errors[0].Message);
        string unknown = parsed.UnmatchedTokens[0];
        bool option = unknown.StartsWith('-');
        IEnumerable<string> known = option
            ? command.Options.Where(one => !one.Hidden).SelectMany(one => one.Aliases.Append(one.Name))
            : command.Subcommands.Where(one => !one.Hidden).Select(one => one.Name);
        string? near = Nearest.To(unknown, known);
        string kind = option ? "an option" : command.Subcommands.Count > 0 ? "a command" : "an argument";
        return $"'{Printable.Text(unknown)}' is not {kind} of {PathOf(command)}{(near is null ? "" : $"; did you mean '{near}'?")}";
    }

    private static int Explain(Exception exception, string command, Screen screen, Func<string, string?> environment, CancellationToken stop)
    {
        if (environment("TOMBOLO_DEBUG") is "1") screen.Complain(exception.ToString());
        switch (exception)
        {
            case OperationCanceledException when stop.IsCancellationRequested:
                screen.Complain($"{command}: stopped.");
                return ExitCode.Failed;
            case CommandException refused:
                screen.Complain($"{command}: {Sentence(refused.Message)}");
                return refused.ExitCode;
            case IOException broken when IsClosedPipe(broken):
                return ExitCode.Failed;   // whoever read our output has gone, as `| head` does: nothing to tell, nobody to tell it to
            case TomboloException or IOException or UnauthorizedAccessException or ArgumentException:
                screen.Complain($"{command}: {Sentence(Undecorated(exception))}");
                return ExitCode.Failed;
            default:
                screen.Complain($"{command}: an error in the program itself ({exception.GetType().Name}: {Sentence(exception.Message)}) Set TOMBOLO_DEBUG=1 to see where.");
                return ExitCode.Failed;
        }
    }

    // The parser names .NET's types, which are nobody's words.
    private static string InWords(string mistake) => WrongType().Match(mistake) is { Success: true } match
        ? $"'{Printable.Text(match.Groups["text"].Value)}' for {match.Groups["of"].Value} is not {match.Groups["type"].Value switch { "Int32" or "Int64" or "UInt16" or "UInt32" or "UInt64" => "a whole number that it can be", "Double" => "a number", _ => "what it can be" }}"
        : mistake;

    [GeneratedRegex(@"^Cannot parse argument '(?<text>.*)' for (?<of>(option|command) '[^']*') as expected type '(System\.Nullable`1\[)?System\.(?<type>\w+)\]?'\.$", RegexOptions.Singleline)]
    private static partial Regex WrongType();

    // Without the parameter's name and value, which the framework appends: it is ours, and the sentence says the value.
    private static string Undecorated(Exception exception) =>
        exception is ArgumentException && exception.Message.IndexOf(" (Parameter '", StringComparison.Ordinal) is >= 0 and var end ? exception.Message[..end] : exception.Message;

    private static bool IsClosedPipe(IOException exception) => exception.HResult == Errno.BrokenPipe;

    private static string Sentence(string message)
    {
        string text = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.EndsWith('.') || text.EndsWith('?') ? text : text + ".";
    }
}
