// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Text.Json;
using Tombolo.Machines;

namespace Tombolo.System.Tests;

/// <summary>A second control socket of a QEMU, for commands with arguments; the first is the machine's own.</summary>
internal sealed class QmpLine : IDisposable
{
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;
    private readonly StreamWriter _writer;

    private QmpLine(Socket socket)
    {
        _stream = new(socket, ownsSocket: true);
        _reader = new(_stream);
        _writer = new(_stream) { AutoFlush = true };
    }

    /// <summary>QEMU's arguments for one.</summary>
    public static string[] Arguments(string path) => ["-qmp", $"unix:{QemuCommand.Escape(path)},server=on,wait=off"];

    public static async Task<QmpLine> ConnectAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
        var line = new QmpLine(socket);
        await line.DoAsync("""{"execute":"qmp_capabilities"}""", cancel);
        return line;
    }

    /// <summary>Gives a command, and waits for its return.</summary>
    public async Task DoAsync(string command, CancellationToken cancel)
    {
        await _writer.WriteLineAsync(command.AsMemory(), cancel);
        JsonElement answer = await UntilAsync(static said => said.TryGetProperty("return", out _) || said.TryGetProperty("error", out _), cancel);
        if (answer.TryGetProperty("error", out JsonElement error)) throw new InvalidOperationException($"{command}: {error}");
    }

    /// <summary>Waits for what QEMU reports by itself.</summary>
    public Task HearAsync(string name, CancellationToken cancel) => UntilAsync(said => said.TryGetProperty("event", out JsonElement word) && word.GetString() == name, cancel);

    public void Dispose()
    {
        _reader.Dispose();
        _stream.Dispose();
    }

    private async Task<JsonElement> UntilAsync(Func<JsonElement, bool> isIt, CancellationToken cancel)
    {
        while (await _reader.ReadLineAsync(cancel) is { } line)
        {
            JsonElement said = JsonDocument.Parse(line).RootElement;
            if (isIt(said)) return said;
        }
        throw new InvalidOperationException("QEMU closed its control socket.");
    }
}
