// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Ivshmem;
using Tombolo.Memory;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo probe</c>: what a window's memory is like to work with.</summary>
internal static class ProbeCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string?> socket = new("--socket") { Description = "On a host: the socket of a doorbell or mailbox server.", HelpName = "path" };
        Option<string?> device = new("--device") { Description = "In a guest: the ivshmem device, as PCI address or /dev/tombolo_window_*; by default the only one.", HelpName = "device" };
        Option<string?> scratch = new("--scratch") { Description = "Room in the window that nobody uses, to measure writes too; it is overwritten.", HelpName = "offset,length" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("probe", "Measures a window's memory beside ordinary memory, and says whether it is cached and what to do if not. It changes nothing in it, but in --scratch.",
            "tombolo probe", "tombolo probe --socket /tmp/ivshmem_socket --scratch 1M,1M") { socket, device, scratch, json };
        command.SetAction(parsed =>
        {
            MemoryProbeOptions options = new() { Scratch = ScratchOf(parsed.GetValue(scratch)), Clock = context.Time };
            WindowProbe probe = Measure(parsed.GetValue(socket), parsed.GetValue(device), options);
            if (parsed.GetValue(json)) context.Screen.Json(probe, CliJson.Default.WindowProbe);
            else foreach (string line in probe.Lines()) context.Screen.Line(line);
            return ExitCode.Done;
        });
        return command;
    }

    private static WindowProbe Measure(string? socket, string? device, MemoryProbeOptions options)
    {
        if (socket is not null && device is not null) throw new CommandException("Both --socket and --device are given; choose one", ExitCode.WrongUse);
        if (socket is null)
        {
            using GuestParticipant guest = GuestParticipant.Open(new() { Device = device });
            Check(options, guest.Window);
            return WindowProbe.Of(guest, options);
        }
        using IvshmemClient client = IvshmemClient.Connect(new() { SocketPath = Path.GetFullPath(socket) });
        Check(options, client.Window);
        return WindowProbe.Of(socket, client.Window, options);
    }

    private static void Check(MemoryProbeOptions options, Window window)
    {
        if (options.Problems(window).FirstOrDefault() is { } problem) throw new CommandException(problem, ExitCode.WrongUse);
    }

    private static (long OffsetBytes, long LengthBytes)? ScratchOf(string? text)
    {
        if (text is null) return null;
        string[] parts = text.Split(',');
        long offset = 0;
        return parts.Length == 2 && (parts[0] == "0" || ByteSize.TryParse(parts[0], out offset)) && ByteSize.TryParse(parts[1], out long length) ? (offset, length)
            : throw new CommandException($"--scratch is '{Printable.Text(text)}'; give an offset and a length, such as 1M,64K", ExitCode.WrongUse);
    }
}
