// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tombolo.Ivshmem;
using Tombolo.Mailbox;
using Tombolo.Memory;

namespace Tombolo.Fuzz.Targets;

/// <summary>A mailbox whose every byte a peer may write while the server works, with rings in between. Once the memory is put in order, the server answers a polite peer.</summary>
internal sealed class MailboxMemoryTarget : IFuzzTarget
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private readonly MailboxFabric _fabric;
    private readonly IvshmemClient _peer;
    private readonly MailboxSlots _slots;
    private ulong _tracker;

    public MailboxMemoryTarget()
    {
        string path = Path.Combine(_folder, "s");
        _fabric = MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = path, SizeBytes = 4096 }, Clients = 3, SlotSize = 256 }).GetAwaiter().GetResult();
        _peer = IvshmemClient.Connect(new() { SocketPath = path, VectorCount = MailboxGeometry.VectorCountIn });
        _slots = new(_peer.Window, _fabric.Geometry);
    }

    public string Name => "mailbox-memory";

    public IReadOnlyList<byte[]> Words { get; } =
        [[0, 32, 1], [0, 48, 1], [1, 1], [1, 2], [2, 1], "ping"u8.ToArray(), "Link RFC TTC=5us"u8.ToArray(), "Link CTL ACK C-Class=x"u8.ToArray(), "Standalone Acknowledgment Tag=1,Reason=OK"u8.ToArray(), [4, 0, 0, 0, 0, 0, 0, 0]];

    public IEnumerable<byte[]> Seeds() =>
    [
        [],
        [2, 1, 4, .. "ping"u8, 1, 1],
        [2, 2, 16, .. "Link RFC TTC=5us"u8, 1, 2],
        [2, 1, 23, .. "Link CTL Peer-Attribute"u8, 1, 1, 1, 1],
        [3, 1, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1],   // a length beyond the slot
        [0, 0, 0, 40, .. new byte[40], 1, 1],                   // globals gone
        [2, 4, 4, .. "ping"u8, 1, 4],                           // in the server's own slot
    ];

    public string Run(ReadOnlySpan<byte> input)
    {
        string doings = Scribble(input);
        PutInOrder();
        Ask();
        FuzzFinding.Require(!_fabric.Completion.IsCompleted, "The doorbell server has ended.");
        FuzzFinding.Require(!_fabric.Part!.Endpoint.Completion.IsCompleted, "The server's own part has ended.");
        return doings;
    }

    public void Dispose()
    {
        _peer.Dispose();
        _fabric.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }

    private PeerId Server => _fabric.Geometry.ServerId;

    private string Scribble(ReadOnlySpan<byte> input)
    {
        var script = new ByteScript(input);
        SharedView all = _peer.Window.View(0, (int)_fabric.Geometry.UsedBytes);
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        while (!script.IsAtEnd)
        {
            int action = script.Byte();
            PeerId slot = new((ushort)(1 + (script.Byte() % Server.Value)));
            switch (action % 4)
            {
                case 0:   // any bytes anywhere
                    int at = (script.Byte() | (script.Byte() << 8)) % all.LengthBytes;
                    ReadOnlySpan<byte> bytes = script.Bytes(Math.Min((int)script.Byte(), all.LengthBytes - at));
                    all.CopyIn(at, bytes);
                    _ = seen.Add("bytes");
                    break;
                case 1:
                    _ = seen.Add(_peer.Ring(Server, slot.Value) ? "ring" : "no ring");
                    break;
                case 2:   // a message as it should be
                    ReadOnlySpan<byte> message = script.Bytes(Math.Clamp((int)script.Byte(), 1, _fabric.Geometry.MaxMessage));
                    if (!message.IsEmpty) _slots.Publish(slot, Server, message);
                    _ = seen.Add("message");
                    break;
                default:   // a length that may be a lie, of a message for the server
                    SharedView head = _peer.Window.View(_fabric.Geometry.SlotOffset(slot), SlotLayout.BufferOffset);
                    head.WriteRelease64(SlotLayout.LastResponder, Server.Value);
                    head.WriteRelease64(SlotLayout.MessageLength, (ulong)script.Int64());
                    _ = seen.Add("length");
                    break;
            }
        }
        return string.Join(',', seen);
    }

    private void PutInOrder()
    {
        _slots.Format(clear: false);
        for (ushort id = 1; id < Server.Value; id++) _ = _slots.Withdraw(new(id));
    }

    // A ping with a number of our own, until the answer with the next number comes; everything else that the server has to say meanwhile is taken and thrown away.
    private void Ask()
    {
        _tracker += 2;
        byte[] ping = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"ping!FZT={_tracker}"));
        string wanted = string.Create(CultureInfo.InvariantCulture, $"pong!FZT={_tracker + 1}");
        long start = Stopwatch.GetTimestamp();
        _slots.Publish(_peer.Id, Server, ping);
        _ = _peer.Ring(Server, _peer.Id.Value);
        byte[] buffer = new byte[_fabric.Geometry.MaxMessage];
        while (true)
        {
            ulong length = _slots.LengthOf(Server);
            if (length > 0 && length <= (ulong)buffer.Length)
            {
                _slots.CopyMessage(Server, buffer.AsSpan(0, (int)length));
                if (_slots.TryAcknowledge(Server, length) && Encoding.ASCII.GetString(buffer, 0, (int)length) == wanted) return;
            }
            else if (length > 0) _ = _slots.TryAcknowledge(Server, length);
            FuzzFinding.Require(Stopwatch.GetElapsedTime(start) < _patience, $"The server does not answer '{Encoding.ASCII.GetString(ping)}'; its length word is {length}, ours {_slots.LengthOf(_peer.Id)}.");
            _ = Thread.Yield();
        }
    }
}
