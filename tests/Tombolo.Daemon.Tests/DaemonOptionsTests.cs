// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;

namespace Tombolo.Daemon.Tests;

public sealed partial class DaemonOptionsTests
{
    [Fact]
    public void Page_Options_AreThoseOfTheParser()
    {
        string? folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder!, "Tombolo.slnx"))) folder = Path.GetDirectoryName(folder);
        string page = File.ReadAllText(Path.Combine(folder!, "docs", "man", "tombolod.8")).Replace("\\-", "-", StringComparison.Ordinal).Replace("\\fB", "", StringComparison.Ordinal).Replace("\\fR", "", StringComparison.Ordinal);
        string options = page.Split(".SH OPTIONS\n")[1].Split("\n.SH ")[0];
        IEnumerable<string> documented = Tag().Matches(options).SelectMany(tag => Name().Matches(tag.Groups[1].Value)).Select(name => name.Value).Order(StringComparer.Ordinal);

        documented.ShouldBe(new DaemonOptions().Command.Options.SelectMany(option => option.Aliases.Append(option.Name)).Except(["-?", "/?", "/h"]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Bind_RelativePaths_AreMadeFull()
    {
        DaemonOptions options = new();

        DaemonSettings settings = options.Bind(options.Command.Parse("--fabric-file f.yaml --state run --verbose"));

        settings.ShouldBe(new(Path.GetFullPath("f.yaml"), Path.GetFullPath("run"), true));
    }

    [GeneratedRegex(@"^\.TP\n(.*)$", RegexOptions.Multiline)] private static partial Regex Tag();
    [GeneratedRegex(@"(?<![\w-])--?[A-Za-z][\w-]*")] private static partial Regex Name();
}
