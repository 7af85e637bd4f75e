// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Fuzz.Targets;

/// <summary>The keeper against servers that send any packets with any descriptors: it goes on, and an honest server's things are kept and given back.</summary>
internal sealed class KeeperTarget : IFuzzTarget
{
    private readonly RunningKeeper _keeper = new();
    private readonly Gifts _gifts = new();

    public string Name => "keeper";

    public IReadOnlyList<byte[]> Words { get; } = [[1, 83], [1, 82], [1, 84], [1, 69], [1, 70], "conn.1#0"u8.ToArray(), "ledger#0"u8.ToArray()];

    public IEnumerable<byte[]> Seeds() =>
        [
            [],
            [2, .. "Sledger#0"u8],
            [9, (byte)'S', 0xFF, 0xFE, 0x80, 0xC0, 0xC1, 0xF5, 0xFF, 0xFF, 1, 2, 1, (byte)'T', 0],
            [63, (byte)'S', .. Enumerable.Repeat((byte)0xFF, 63), 2, 0, (byte)'T', 0],   // a name that is no text, as long as can be
            [1, (byte)'T', 0, 1, (byte)'T', 0],
            [1, (byte)'Q', 0],
        ];

    public string Run(ReadOnlySpan<byte> input)
    {
        _keeper.Ensure();
        string outcome;
        using (KeeperLink stays = KeeperLink.TryConnect(_keeper.SocketPath)!)   // a keeper that holds nothing ends with its last server
        {
            outcome = Play(input);
            if (Read(stays.Socket).EndsWith("closed", StringComparison.Ordinal)) _keeper.AwaitEnd();   // it was told to quit
            _keeper.Ensure();
            KeepAndTake();
        }
        _keeper.AwaitEnd();
        _gifts.CheckOpenFiles();
        return outcome;
    }

    public void Dispose()
    {
        _keeper.Dispose();
        _gifts.Dispose();
    }

    // A packet: length, bytes, number of descriptors and of which kind.
    private string Play(ReadOnlySpan<byte> bytes)
    {
        var script = new ByteScript(bytes);
        using SafeFd socket = UnixSocket.Connect(_keeper.SocketPath, UnixSocketKind.SequencedPacket);
        while (!script.IsAtEnd)
        {
            ReadOnlySpan<byte> packet = script.Bytes(1 + (script.Byte() % 100));
            SafeFd[] gift = _gifts.Choose(script.Byte());
            if (packet.IsEmpty) break;
            SocketResult result = UnixSocket.Send(socket, packet, gift);
            if (result.IsClosed) break;
        }
        return Read(socket);
    }

    private static string Read(SafeFd socket)
    {
        // A question of our own at the end: whatever it was told before, it is either gone or answers.
        _ = UnixSocket.Send(socket, [(byte)KeeperOperation.Take]);
        Span<byte> bytes = stackalloc byte[256];
        using var inbox = new FdInbox();
        int entries = 0;
        while (true)
        {
            SocketResult result = UnixSocket.Receive(socket, bytes, inbox);
            if (result.IsWouldBlock) FuzzFinding.Require(UnixSocket.Wait(socket, forReading: true, TimeSpan.FromSeconds(20)), "The keeper does not answer.");
            else if (!result.IsMoved) return $"{Math.Min(entries, 3)} entries, closed";
            else if (bytes[0] == (byte)KeeperOperation.End) return $"{Math.Min(entries, 3)} entries, end";
            else entries++;
            inbox.Clear();
        }
    }

    private void KeepAndTake()
    {
        using KeeperLink link = KeeperLink.TryConnect(_keeper.SocketPath) ?? throw new FuzzFinding("The keeper cannot be connected to.");
        link.Store("honest", _gifts.Event, _gifts.Memory);
        Span<byte> bytes = stackalloc byte[256];
        _ = UnixSocket.Send(link.Socket, [(byte)KeeperOperation.Take]);
        using var inbox = new FdInbox();
        int came = 0;
        while (true)
        {
            SocketResult result = UnixSocket.Receive(link.Socket, bytes, inbox);
            if (result.IsWouldBlock)
            {
                FuzzFinding.Require(UnixSocket.Wait(link.Socket, forReading: true, TimeSpan.FromSeconds(20)), "The keeper does not answer an honest server.");
                continue;
            }
            FuzzFinding.Require(result.IsMoved, "The keeper broke off with an honest server.");
            if (bytes[0] == (byte)KeeperOperation.End) break;
            if (bytes[1..result.Bytes].SequenceEqual("honest#0"u8)) came = inbox.Count;
            inbox.Clear();
        }
        FuzzFinding.Require(came == 2, $"Of an honest server's two descriptors, {came} came back.");
        link.Quit();
    }
}
