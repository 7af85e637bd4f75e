// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Machines;

namespace Tombolo.Fuzz.Targets;

/// <summary>What answers at QEMU's control socket sends anything: each command ends, the events end, and the connection can be closed.</summary>
internal sealed class QmpTarget : IFuzzTarget
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private static readonly string[] _words =
    [
        "{\"QMP\":{}}\n", "{\"return\":{},\"id\":1}\n", "{\"return\":{},\"id\":2}\n", "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,\"reason\":\"x\"}}\n", "{\"error\":{\"class\":\"x\",\"desc\":\"y\"},\"id\":2}\n",
        "\"event\":", "\"id\":", "\"return\":", "\"error\":", "\"data\":", "\"desc\":", "\"guest\":", "\"reason\":", "\\ud800", "null", "[]", "{}", "\n", "\"", "{", "}", "1e999", "1.5", "true",
    ];

    private static readonly string[] _seeds =
    [
        "", "{\"QMP\":{}}\n", "{\"QMP\":{}}\n{\"return\":{},\"id\":1}\n{\"event\":\"STOP\"}\n{\"return\":{\"running\":true},\"id\":2}\n",
        "{\"QMP\":{}}\n{\"return\":{},\"id\":1}\n{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"},\"id\":2}\n", "{\"QMP\":{}}\n{\"event\":\"\\ud800\"}\n", "[]\n", "{\"QMP\":{}}\n{\"id\":1,\"error\":5}\n",
    ];

    private readonly HostileServer _server = new(UnixSocketKind.Stream);

    public string Name => "qmp";

    public IReadOnlyList<byte[]> Words { get; } = [.. _words.Select(Encoding.UTF8.GetBytes)];

    public IEnumerable<byte[]> Seeds() => _seeds.Select(Encoding.UTF8.GetBytes);

    public string Run(ReadOnlySpan<byte> input)
    {
        byte[] bytes = input.ToArray();
        _server.Expect(socket => Play(socket, bytes));
        return TalkAsync().GetAwaiter().GetResult();
    }

    public void Dispose() => _server.Dispose();

    // Line by line; a command that comes after one of the first is waited for, a little: an answer before its question is thrown away.
    private static void Play(SafeFd socket, ReadOnlySpan<byte> bytes)
    {
        using var inbox = new FdInbox();
        Span<byte> command = stackalloc byte[256];
        for (int line = 0; !bytes.IsEmpty; line++)
        {
            int end = bytes.IndexOf((byte)'\n');
            SocketResult result = UnixSocket.Send(socket, end < 0 ? bytes : bytes[..(end + 1)]);
            if (!result.IsMoved) return;
            bytes = bytes[result.Bytes..];
            if (line < 4 && UnixSocket.Wait(socket, forReading: true, TimeSpan.FromMilliseconds(2))) _ = UnixSocket.Receive(socket, command, inbox);
        }
    }

    private async Task<string> TalkAsync()
    {
        using var watchdog = new CancellationTokenSource(_patience);
        try
        {
            await using QmpClient client = await QmpClient.ConnectAsync(_server.SocketPath, watchdog.Token);
            string answer;
            try { answer = (await client.ExecuteAsync("query-status", watchdog.Token)).ValueKind.ToString(); }
            catch (MachineException exception) { answer = Shape(exception); }
            int events = 0;
            await foreach (QmpEvent _ in client.Events.ReadAllAsync(watchdog.Token)) events++;
            return $"connected; {answer}; {Math.Min(events, 3)} events";
        }
        catch (MachineException exception) { return Shape(exception); }
        catch (OperationCanceledException) { throw new FuzzFinding("A command, or the events, never end although the other side hung up."); }
    }

    private string Shape(MachineException exception) => string.Concat(exception.Message.Replace(_server.SocketPath, "", StringComparison.Ordinal).Where(letter => char.IsAsciiLetter(letter) || letter == ' ').Take(40));
}
