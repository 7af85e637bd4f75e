// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Fabric;

namespace Tombolo.Daemon;

/// <summary>What a daemon is told.</summary>
/// <param name="FabricFile">The declaration.</param>
/// <param name="Root">The folder of all fabrics.</param>
/// <param name="IsVerbose">Whether the log tells also what is of use only to us.</param>
internal sealed record DaemonSettings(string FabricFile, string Root, bool IsVerbose);

/// <summary>The daemon's command line.</summary>
internal sealed class DaemonOptions
{
    private readonly Option<string> _file = new("--fabric-file") { Description = "The declaration of the fabric to run.", HelpName = "file", DefaultValueFactory = _ => Tombolo.Fabric.FabricFile.DefaultName };
    private readonly Option<string> _root = new("--state") { Description = "The folder of all fabrics; this one's state is in a folder of its name below it.", HelpName = "folder", DefaultValueFactory = _ => FabricPaths.DefaultRoot };
    private readonly Option<bool> _verbose = new("--verbose") { Description = "Log more." };

    public DaemonOptions() => Command = new("Runs one fabric until it is told to stop: SIGTERM, or 'tombolo down'. Usually started by 'tombolo up' or systemd.") { _file, _root, _verbose };

    /// <summary>The parser.</summary>
    public RootCommand Command { get; }

    /// <summary>The settings of a parsed line.</summary>
    public DaemonSettings Bind(ParseResult parsed) => new(Path.GetFullPath(parsed.GetRequiredValue(_file)), Path.GetFullPath(parsed.GetRequiredValue(_root)), parsed.GetValue(_verbose));
}
