// SPDX-License-Identifier: MIT
using System.CommandLine;

namespace Tombolo.Cli;

/// <summary>Options that several commands have; one object for each command, because the parser asks for that.</summary>
internal static class CommonOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Write JSON: one document, or one a line where things come one after another." };

    public static Option<string> File() => new("-f", "--file") { Description = "The declaration.", HelpName = "file", DefaultValueFactory = _ => Tombolo.Fabric.FabricFile.DefaultName };

    public static Option<string?> Fabric() => new("--fabric") { Description = "Which fabric; by default the only one that runs.", HelpName = "name" };

    public static Option<string?> Mailbox() => new("--mailbox") { Description = "Which mailbox of the fabric; by default its only one.", HelpName = "name" };

    public static Option<string?> Socket() => new("--socket") { Description = "The socket of a mailbox server, instead of --fabric and --mailbox.", HelpName = "path" };
}
