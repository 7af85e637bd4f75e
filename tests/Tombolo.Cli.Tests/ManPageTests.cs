// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Text.RegularExpressions;
using Tombolo.Cli.Commands;

namespace Tombolo.Cli.Tests;

/// <summary>The manual says what the parser knows, no more and no less.</summary>
public sealed partial class ManPageTests
{
    private static string Repository { get; } = FindRepository();

    public static TheoryData<string> Commands => [.. CommandLineTests.Tree().Subcommands.Where(command => !command.Hidden).Select(command => command.Name)];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Page_EveryCommand_DocumentsItsOptionsAndNoOthers(string name)
    {
        Command command = CommandLineTests.Tree().Subcommands.Single(one => one.Name == name);

        DocumentedIn(PageOf(name)).ShouldBe(CommandLineTests.Walk(command).SelectMany(OptionsOf).Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Page_EveryCommand_IsReferredToFromTheOverview(string name) =>
        Plain(File.ReadAllText(PageOf("tombolo"))).ShouldContain(Path.GetFileNameWithoutExtension(PageOf(name)) + "(1)");

    [Fact]
    public void Pages_References_LeadToPages()
    {
        foreach (string page in Directory.EnumerateFiles(Path.Combine(Repository, "docs", "man")))
        {
            string text = Plain(File.ReadAllText(page));
            foreach (Match reference in Reference().Matches(text[Math.Max(0, text.IndexOf(".SH SEE ALSO", StringComparison.Ordinal))..]))
                File.Exists(Path.Combine(Repository, "docs", "man", $"{reference.Groups[1].Value}.{reference.Groups[2].Value}")).ShouldBeTrue($"{page} refers to {reference.Value}");
        }
    }

    [Fact]
    public void PageOfTheDeclaration_Keys_AreThoseOfTheReference()
    {
        string reference = File.ReadAllText(Path.Combine(Repository, "docs", "fabric-yaml.md"));
        string[] sections = ["The top", "mailboxes", "store", "grants", "regions", "switches", "machines", "policy"];
        IEnumerable<string> keys = sections.SelectMany(section => TableKey().Matches(reference.Split($"\n## {section}\n")[1].Split("\n## ")[0])).Select(key => key.Groups[1].Value);

        string page = Plain(File.ReadAllText(Path.Combine(Repository, "docs", "man", "fabric.yaml.5")));
        IEnumerable<string> documented = Tag().Matches(page[page.IndexOf(".SH THE TOP", StringComparison.Ordinal)..]).Select(tag => tag.Groups[1].Value);
        documented.ShouldBe(keys);
    }

    [Fact]
    public void CompletionScripts_InPackaging_AreWhatTheProgramPrints()
    {
        foreach ((string shell, string script) in CompletionCommand.Scripts)
            File.ReadAllText(Path.Combine(Repository, "packaging", "completions", $"tombolo.{shell}")).ShouldBe(script + "\n", $"run: tombolo completion {shell} > packaging/completions/tombolo.{shell}");
    }

    /// <summary>The option names in the tags of a page's OPTIONS section.</summary>
    internal static IEnumerable<string> DocumentedIn(string page)
    {
        string text = Plain(File.ReadAllText(page));
        int start = text.IndexOf(".SH OPTIONS\n", StringComparison.Ordinal);
        start.ShouldBeGreaterThan(0, $"{page} has no OPTIONS");
        int end = text.IndexOf("\n.SH ", start + 1, StringComparison.Ordinal);
        return Tag().Matches(text[start..(end < 0 ? text.Length : end)]).SelectMany(tag => OptionName().Matches(tag.Groups[1].Value)).Select(name => name.Value).Distinct().Order(StringComparer.Ordinal);
    }

    internal static IEnumerable<string> OptionsOf(Command command) =>
        command.Options.Where(option => !option.Hidden).SelectMany(option => option.Aliases.Append(option.Name)).Concat(["-h", "--help"]);

    internal static string PageOf(string command) =>
        Path.Combine(Repository, "docs", "man", command.StartsWith("ivshmem-", StringComparison.Ordinal) || command == "tombolo" ? $"{command}.1" : $"tombolo-{command}.1");

    // Without fonts and escapes: what a reader sees, with the macros.
    private static string Plain(string roff) => Font().Replace(roff, "").Replace("\\-", "-", StringComparison.Ordinal);

    private static string FindRepository()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tombolo.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }

    [GeneratedRegex(@"\\f[BIRP]")] private static partial Regex Font();
    [GeneratedRegex(@"^\.TP\n(.*)$", RegexOptions.Multiline)] private static partial Regex Tag();
    [GeneratedRegex(@"(?<![\w-])--?[A-Za-z][\w-]*")] private static partial Regex OptionName();
    [GeneratedRegex(@"^\| `([a-z-]+)` \|", RegexOptions.Multiline)] private static partial Regex TableKey();
    [GeneratedRegex(@"([a-z][a-z.-]*)\(([1-8])\)")] private static partial Regex Reference();
}
