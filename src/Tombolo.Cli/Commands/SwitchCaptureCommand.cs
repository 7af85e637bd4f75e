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
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);   // for a daemon that is to end it

    public static ExampleCommand Create(CommandContext context)
    {
        PortChoice choice = new();
        Option<string> write = new("--write", "-w") { Description = "The pcapng file that is written; '-' for standard output.", HelpName = "file", Required = true };
        Option<int?> snap = new("--snap") { Description = "How many bytes of each frame are kept; by default all.", HelpName = "bytes" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("capture", "Captures a port's frames, both ways, as pcapng, until Ctrl-C.", "tombolo switch capture vm0 -w vm0.pcapng", "tombolo switch capture lan/vm0 -w - | tshark -r -") { choice.Port, choice.Option, write, snap, json };
        command.SetAction(async (parsed, stop) =>
        {
            (FabricPaths paths, string owner, SwitchPortStatus port) = await choice.ExistingAsync(parsed, stop);
            string path = parsed.GetRequiredValue(write), query = parsed.GetValue(snap) is { } bytes ? $"?snap={bytes.ToString(CultureInfo.InvariantCulture)}" : "";
            bool isOut = path == "-", isJson = parsed.GetValue(json) && !isOut;
            string name = $"{owner}/{port.Settings.Name}", place = $"/switches/{owner}/ports/{port.Settings.Name}/capture";
            using DaemonClient daemon = new(paths.AdminSocket);
            CaptureEnd? end = await CopyAsync(daemon, place, query, () => isOut ? context.Screen.OutBytes() : File.Create(path), () =>
            {
                if (!isOut && !isJson) context.Screen.Line($"Port {name} is captured into {path}; Ctrl-C ends it.");
            }, stop);
            if (isJson && end is not null) context.Screen.Json(end, CliJson.Default.CaptureEnd);
            else if (!isOut && !isJson) context.Screen.Line(end is null ? $"The capture has ended: port {name} was removed, or its switch ended." : string.Create(CultureInfo.InvariantCulture, $"{end.Written} frames were written to {path}, {end.Dropped} dropped."));
            return ExitCode.Done;
        });
        return command;
    }

    // Ctrl-C asks the daemon for the end, so that what is written is whole; null where it ended by itself.
    private static async Task<CaptureEnd?> CopyAsync(DaemonClient daemon, string place, string query, Func<Stream> open, Action begun, CancellationToken stop)
    {
        using CancellationTokenSource over = new();
        Task<CaptureEnd?> end = Task.FromResult<CaptureEnd?>(null);
        bool hasBegun = false;
        using CancellationTokenRegistration pressed = stop.Register(() =>
        {
            over.CancelAfter(hasBegun ? _patience : TimeSpan.Zero);
            if (hasBegun) end = EndAsync(daemon, place + "/end", over.Token);
        });
        try
        {
            await daemon.CopyAsync(place + query, open, () =>
            {
                begun();
                hasBegun = true;
            }, over.Token);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested) { }
        return await end;
    }

    private static async Task<CaptureEnd?> EndAsync(DaemonClient daemon, string path, CancellationToken over)
    {
        try { return await daemon.PostAsync(path, FabricStatusJson.Default.CaptureEnd, over); }
        catch (CommandException) { return null; }              // it has ended already, or the daemon has
        catch (OperationCanceledException) { return null; }
    }
}
