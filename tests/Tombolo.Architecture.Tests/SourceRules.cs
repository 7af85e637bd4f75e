// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;

namespace Tombolo.Architecture.Tests;

/// <summary>The house rules that can be seen in a file's text. Each gives one complaint per place, with file and line.</summary>
internal static partial class SourceRules
{
    private const string License = "// SPDX-License-Identifier: MIT";
    private const string ImportsLiveIn = "src/Tombolo.Linux/";
    private const int LinesAbove = 3;

    public static IEnumerable<string> ProjectsWithoutReadme(SourceTree tree) =>
        tree.Projects.Where(project => !tree.Has(Path.Combine(project.Folder, "README.md")))
            .Select(project => $"{project.Folder} has no README.md: what it is, its types, what may enter, what must stay out.");

    public static IEnumerable<string> FilesWithoutLicense(SourceTree tree) =>
        tree.Sources.Where(path => tree.Lines(path).FirstOrDefault() != License)
            .Select(path => $"{path} does not begin with \"{License}\".");

    public static IEnumerable<string> ImportsOutsideLinux(SourceTree tree) =>
        Found(tree, Import(), "imports of native functions live in Tombolo.Linux, beside the safe method that uses them")
            .Where(complaint => !complaint.StartsWith(ImportsLiveIn, StringComparison.Ordinal));

    public static IEnumerable<string> HandlesOpenedOutsideLinux(SourceTree tree) =>
        Found(tree, RawHandle(), "raw descriptors live in Tombolo.Linux")
            .Where(complaint => !complaint.StartsWith(ImportsLiveIn, StringComparison.Ordinal));

    public static IEnumerable<string> SleepsAndClocks(SourceTree tree) =>
        Found(tree, SleepOrClock(), "wait for what is meant, and take time from TimeProvider");

    /// <summary>Every piece of code that says <c>unsafe</c> says why it is safe: just above, or somewhere in its body.</summary>
    public static IEnumerable<string> UnsafeWithoutReason(SourceTree tree)
    {
        foreach (string path in tree.Sources)
        {
            string[] lines = tree.Lines(path);
            for (int at = 0; at < lines.Length; at++)
                if (OpensUnsafeCode(Code(lines[at])) && !lines[Math.Max(0, at - LinesAbove)..End(lines, at)].Any(IsReason))
                    yield return $"{path}:{at + 1}: unsafe without a \"// SAFETY:\" line that says why it holds.";
        }
    }

    public static IEnumerable<string> ProjectsOutsideSolution(SourceTree tree)
    {
        string solution = string.Join('\n', tree.Lines("Tombolo.slnx"));
        return tree.ProjectFiles.Where(path => !solution.Contains($"\"{path}\"", StringComparison.Ordinal))
            .Select(path => $"{path} is not in Tombolo.slnx, so nobody builds or tests it: dotnet sln add {path}");
    }

    /// <summary>xunit 2 disposes a test class through IDisposable or IAsyncLifetime only.</summary>
    public static IEnumerable<string> TestClassesThatAreNeverDisposed(SourceTree tree) =>
        from path in tree.TestSources
        let lines = tree.Lines(path)
        where lines.Any(line => line.TrimStart() is ['[', 'F', 'a', 'c', 't', ..] or ['[', 'T', 'h', 'e', 'o', 'r', 'y', ..])
        from at in Enumerable.Range(0, lines.Length)
        where TestClass().IsMatch(Code(lines[at])) && !lines[at].Contains("IAsyncLifetime", StringComparison.Ordinal)
        select $"{path}:{at + 1}: xunit never calls DisposeAsync of an IAsyncDisposable; say IAsyncLifetime.";

    private static IEnumerable<string> Found(SourceTree tree, Regex pattern, string rule)
    {
        foreach (string path in tree.Sources)
        {
            string[] lines = tree.Lines(path);
            for (int at = 0; at < lines.Length; at++)
                if (pattern.Match(Code(lines[at])) is { Success: true } match)
                    yield return $"{path}:{at + 1}: {match.Value}: {rule}.";
        }
    }

    /// <summary>A line without its string literals and its comment.</summary>
    private static string Code(string line) => Comment().Replace(Literal().Replace(line, "\"\""), "");

    /// <summary>An import or a layout is only a declaration: nothing happens there.</summary>
    private static bool OpensUnsafeCode(string code) => UnsafeWord().IsMatch(code) && !DeclarationOnly().IsMatch(code);

    private static bool IsReason(string line) => line.TrimStart().StartsWith("// SAFETY: ", StringComparison.Ordinal);

    /// <summary>One past the last line of what begins here: its closing brace, or the end of its expression.</summary>
    private static int End(string[] lines, int start)
    {
        int indent = Indent(lines[start]);
        for (int at = start; at < lines.Length; at++)
        {
            bool closes = at > start && Indent(lines[at]) == indent && lines[at].TrimStart().StartsWith('}');
            bool expressionEnds = Indent(lines[at]) >= indent && lines[at].TrimEnd().EndsWith(';') && !lines[start..(at + 1)].Any(IsBrace);
            if (closes || expressionEnds) return at + 1;
        }
        return lines.Length;
    }

    private static bool IsBrace(string line) => line.Trim() == "{";

    private static int Indent(string line) => line.Length - line.TrimStart().Length;

    [GeneratedRegex(@"^public\b.*\bclass\s+\w+Tests\b.*\bIAsyncDisposable\b")]
    private static partial Regex TestClass();

    [GeneratedRegex(@"\b(LibraryImport|DllImport|NativeLibrary\.\w+)")]
    private static partial Regex Import();

    [GeneratedRegex(@"\bDangerousGetHandle\b")]
    private static partial Regex RawHandle();

    [GeneratedRegex(@"\b(Thread\.Sleep|DateTime(Offset)?\.(Utc)?Now|DateTime\.Today)\b")]
    private static partial Regex SleepOrClock();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeWord();

    [GeneratedRegex(@"\bunsafe\s+partial\b.*;\s*$|\b(unsafe\s+.*)?\bstruct\b")]
    private static partial Regex DeclarationOnly();

    [GeneratedRegex("""
        "(\\.|[^"\\])*"
        """)]
    private static partial Regex Literal();

    [GeneratedRegex(@"//.*$")]
    private static partial Regex Comment();
}
