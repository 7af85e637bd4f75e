// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Net.Sockets;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Linux;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo console</c>: a machine's serial console on this terminal.</summary>
internal static class ConsoleCommand
{
    private const byte Escape = 0x1D;   // Ctrl-], as telnet(1) and virsh(1) have it

    public static Command Create(CommandContext context)
    {
        FabricChoice choice = new();
        Argument<string> machine = new("machine") { Description = "Which machine." };
        machine.CompletionSources.Add(_ => MachineNames.OfAll());
        ExampleCommand command = new("console", "Connects this terminal to a machine's serial console; Ctrl-] leaves. In a pipe, standard input is typed, and the console is shown until the machine ends or Ctrl-C.", "tombolo console vm0", "echo uname -a | timeout 5 tombolo console vm0") { machine, choice.Option };
        command.SetAction(async (parsed, stop) =>
        {
            string name = parsed.GetRequiredValue(machine);
            string path = MachineNames.FolderOf(choice.PathsOf(parsed), name).ConsoleSocket;
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try { await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop); }
            catch (SocketException exception) { throw new CommandException($"The console of {name} cannot be reached ({exception.Message}); 'tombolo ps' shows whether it runs"); }
            if (context.Screen.IsInteractive) context.Screen.Complain($"Connected to {name}; Ctrl-] leaves.");
            using (TerminalMode? raw = context.Screen.IsInteractive ? TerminalMode.TryEnterRaw() : null)
                await TalkAsync(socket, stop);
            if (context.Screen.IsInteractive) context.Screen.Complain("");
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Copies both ways until the machine hangs up, the escape is typed, or a signal comes. Bytes pass as they are: this is the machine's own terminal.</summary>
    private static async Task TalkAsync(Socket socket, CancellationToken stop)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await using Stream input = Console.OpenStandardInput(), output = Console.OpenStandardOutput();
        Task typed = Task.Factory.StartNew(() => Type(input, socket, end), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        byte[] buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, end.Token) is var count and > 0)
            {
                await output.WriteAsync(buffer.AsMemory(0, count), end.Token);
                await output.FlushAsync(end.Token);
            }
        }
        catch (OperationCanceledException) { }
        catch (SocketException) { }
        // The typing thread may be blocked in a read of the terminal, which cannot be called off; it ends with the program.
        if (typed.IsFaulted) await typed;
    }

    private static void Type(Stream input, Socket socket, CancellationTokenSource end)
    {
        byte[] buffer = new byte[1024];
        try
        {
            while (input.Read(buffer) is var count and > 0)
            {
                int escape = Array.IndexOf(buffer, Escape, 0, count);
                _ = socket.Send(buffer.AsSpan(0, escape < 0 ? count : escape));
                if (escape < 0) continue;
                end.Cancel();
                return;
            }
        }
        catch (SocketException) { }           // the machine hung up: the other direction tells
        catch (ObjectDisposedException) { }   // the command has ended
    }
}
