// SPDX-License-Identifier: MIT
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Spectre.Console;

namespace Tombolo.Cli.Output;

/// <summary>Where a command writes, and what may be written there.</summary>
internal sealed class Screen
{
    private const int LinesAhead = 256;
    private static readonly string[] _localeVariables = ["LC_ALL", "LC_CTYPE", "LANG"];

    private readonly Lock _gate = new();   // guards Out and Error: several tasks may print

    /// <summary>Standard output.</summary>
    public required TextWriter Out { get; init; }
    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }
    /// <summary>Where a command reads from the user.</summary>
    public TextReader In { get; init; } = TextReader.Null;
    /// <summary>Standard output for bytes as they are; the caller closes it.</summary>
    public Func<Stream> OutBytes { get; init; } = static () => Stream.Null;
    /// <summary>Standard input for bytes as they are.</summary>
    public Func<Stream> InBytes { get; init; } = static () => Stream.Null;
    /// <summary>Standard output is a terminal.</summary>
    public bool IsTerminal { get; init; }
    /// <summary>Standard input is a terminal.</summary>
    public bool IsInteractive { get; init; }
    /// <summary>Escape sequences may be written: a terminal, and nobody said NO_COLOR or TERM=dumb. Source: no-color.org.</summary>
    public bool Colour { get; init; }
    /// <summary>The terminal shows box-drawing characters.</summary>
    public bool Unicode { get; init; }

    /// <summary>The process's own standard streams.</summary>
    public static Screen OfProcess()
    {
        bool terminal = !Console.IsOutputRedirected;
        return new()
        {
            Out = Console.Out,
            Error = Console.Error,
            In = Console.In,
            OutBytes = Console.OpenStandardOutput,
            InBytes = Console.OpenStandardInput,
            IsTerminal = terminal,
            IsInteractive = terminal && !Console.IsInputRedirected,
            Colour = terminal && MayColour(Environment.GetEnvironmentVariable("NO_COLOR"), Environment.GetEnvironmentVariable("TERM")),
            Unicode = IsUtf8(Environment.GetEnvironmentVariable),
        };
    }

    /// <summary>Whether the environment allows escape sequences.</summary>
    internal static bool MayColour(string? noColor, string? term) => string.IsNullOrEmpty(noColor) && term is not (null or "" or "dumb");

    /// <summary>Whether the locale is a UTF-8 one. Source: locale(7), the order LC_ALL, LC_CTYPE, LANG.</summary>
    internal static bool IsUtf8(Func<string, string?> environment)
    {
        string? locale = _localeVariables.Select(environment).FirstOrDefault(value => !string.IsNullOrEmpty(value));
        return locale is not null && (locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("utf8", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The lines of standard input. A blocked read cannot be called off: when this is stopped, its thread stays behind, and ends with the program.</summary>
    public IAsyncEnumerable<string> LinesAsync(CancellationToken stop)
    {
        var lines = Channel.CreateBounded<string>(LinesAhead);
        _ = Task.Factory.StartNew(ReadAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return lines.Reader.ReadAllAsync(stop);

        void ReadAll()
        {
            try
            {
                while (In.ReadLine() is { } line) lines.Writer.WriteAsync(line, stop).AsTask().GetAwaiter().GetResult();
                lines.Writer.Complete();
            }
            catch (Exception exception) { lines.Writer.Complete(exception); }
        }
    }

    /// <summary>Writes one line.</summary>
    public void Line(string text = "")
    {
        lock (_gate)
        {
            Out.WriteLine(text);
            Out.Flush();
        }
    }

    /// <summary>Writes a text as it is: parts of lines, or several.</summary>
    public void Write(string text)
    {
        lock (_gate)
        {
            Out.Write(text);
            Out.Flush();
        }
    }

    /// <summary>Writes one line to standard error.</summary>
    public void Complain(string text)
    {
        lock (_gate)
        {
            Error.WriteLine(text);
            Error.Flush();
        }
    }

    /// <summary>Writes a table: drawn where colours are, aligned text elsewhere.</summary>
    public void Table(TextTable table)
    {
        if (Colour) Drawing().Write(table.ToDrawn(Unicode));
        else Write(table.ToPlainText());
    }

    /// <summary>A word that a reader looks for, in its colour.</summary>
    public string Paint(string word)
    {
        if (!Colour) return word;
        int code = Tones.Of(word.Trim()) switch { Tone.Good => 32, Tone.Bad => 31, Tone.Doubtful => 33, _ => 0 };   // ECMA-48: green, red, yellow
        return code == 0 ? word : $"\x1b[{code}m{word}\x1b[0m";
    }

    /// <summary>Writes a value as one JSON document.</summary>
    public void Json<T>(T value, JsonTypeInfo<T> type) => Line(JsonSerializer.Serialize(value, type));

    /// <summary>The library that draws on terminals, bound to standard output.</summary>
    public IAnsiConsole Drawing() => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = Colour ? AnsiSupport.Yes : AnsiSupport.No,
        ColorSystem = Colour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
        Interactive = Colour ? InteractionSupport.Yes : InteractionSupport.No,
        Out = new AnsiConsoleOutput(Out),
    });
}
