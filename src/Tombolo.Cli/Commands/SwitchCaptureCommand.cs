// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Cli.Switch;
using Tombolo.Fabric;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo switch capture</c>: a port's frames as pcapng, into a file or live into tshark.</summary>
internal static class SwitchCaptureCommand
{
    public static ExampleCommand Create(CommandContext context)
    {
        PortChoice choice = new();
        Option<string> write = new("--write", "-w") { Description = "The pcapng file that is written; '-' for standard output.", HelpName = "file", Required = true };
        Option<int?> snap = new("--snap") { Description = "How many bytes of each frame are kept; by default all.", HelpName = "bytes" };
        ExampleCommand command = new("capture", "Captures a port's frames, both ways, as pcapng, until Ctrl-C.", "tombolo switch capture vm0 -w vm0.pcapng", "tombolo switch capture lan/vm0 -w - | tshark -r -") { choice.Port, choice.Option, write, snap };
        command.SetAction(async (parsed, stop) =>
        {
            (FabricPaths paths, string owner, SwitchPortStatus port) = await choice.ExistingAsync(parsed, stop);
            string path = parsed.GetRequiredValue(write), query = parsed.GetValue(snap) is { } bytes ? $"?snap={bytes.ToString(CultureInfo.InvariantCulture)}" : "";
            bool isOut = path == "-";
            using DaemonClient daemon = new(paths.AdminSocket);
            try
            {
                await daemon.CopyAsync($"/switches/{owner}/ports/{port.Settings.Name}/capture{query}", () => isOut ? Console.OpenStandardOutput() : File.Create(path), () =>
                {
                    if (!isOut) context.Screen.Line($"Port {owner}/{port.Settings.Name} is captured into {path}; Ctrl-C ends it.");
                }, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            return ExitCode.Done;
        });
        return command;
    }
}
