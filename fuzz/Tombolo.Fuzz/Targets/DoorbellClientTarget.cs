// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Fuzz.Targets;

/// <summary>A client against a server that sends anything, with any descriptors: it is connected or says in one exception why not, and keeps no descriptor.</summary>
internal sealed class DoorbellClientTarget : IFuzzTarget
{
    private readonly HostileServer _server = new(UnixSocketKind.Stream);
    private readonly Gifts _gifts = new();
    private static readonly long[] _values = [0, -1, 1, 2, 3, 65535, 65536, -2, long.MinValue, long.MaxValue];

    public string Name => "doorbell-client";

    public IReadOnlyList<byte[]> Words { get; } = [[4], [0, 0, 0], [0, 1, 1], [0, 2, 2], [0, 3, 2], [5, 1, 2], [0, 3, 0]];

    public IEnumerable<byte[]> Seeds() =>
        [
            [],
            [4],                                            // a whole handshake
            [4, 5, 2, 3, 5, 3, 3, 0, 3, 0],                 // peers join and leave
            [0, 0, 0, 0, 2, 0, 0, 1, 1, 0, 2, 2, 0, 2, 2],  // a handshake message by message
            [0, 1, 0],                                      // refused
            [4, 0, 2, 0],                                   // own ID without a descriptor
            [4, 2, 3, 1, 2, 3, 2],                          // half a message
            [4, 3, 2, 1, 2],                                // two descriptors with one message
        ];

    public string Run(ReadOnlySpan<byte> input)
    {
        byte[] script = input.ToArray();
        _server.Expect(socket => Play(socket, script));
        string outcome = Connect();
        _gifts.CheckOpenFiles();
        return outcome;
    }

    public void Dispose()
    {
        _server.Dispose();
        _gifts.Dispose();
    }

    private string Connect()
    {
        var options = new IvshmemClientOptions { SocketPath = _server.SocketPath, SettleTime = TimeSpan.FromMilliseconds(1), Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using IvshmemClient client = IvshmemClient.Connect(options);
            int joined = 0, left = 0;
            client.Joined += peer => { joined++; FuzzFinding.Require(client.VectorsOf(peer) > 0, $"Peer {peer} joined without vectors."); };
            client.Left += _ => left++;
            string end = Drain(client);
            foreach (PeerId peer in client.Peers) FuzzFinding.Require(client.Ring(peer, 0), $"Peer {peer} is there and cannot be rung.");
            FuzzFinding.Require(!client.Ring(new(12345), 70000), "A vector that cannot be was rung.");
            FuzzFinding.Require(client.Vectors.Count > 0, "The client has no vector of its own.");
            client.Window.View(0, 8).WriteRelease64(0, 1);
            return $"connected, {Math.Min(client.Peers.Count, 3)} peers, {Math.Min(joined, 2)} joined, {Math.Min(left, 2)} left, {end}";
        }
        catch (ProtocolException exception) { return $"{exception.Fault}: {Shape(exception.Message)}"; }
        catch (LinuxException exception) { return $"errno {exception.Errno}"; }
    }

    private static string Drain(IvshmemClient client)
    {
        using var epoll = new Epoll();
        epoll.Add(client.Control, EpollEvents.Readable, 0);
        Span<EpollReport> reports = stackalloc EpollReport[1];
        try
        {
            while (client.ProcessControl()) _ = epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            return "end";
        }
        catch (ProtocolException exception) { return exception.Fault.ToString(); }
    }

    private void Play(SafeFd socket, ReadOnlySpan<byte> bytes)
    {
        var script = new ByteScript(bytes);
        while (!script.IsAtEnd)
        {
            switch (script.Byte())
            {
                case 0:
                    _ = HostileServer.Send(socket, _values[script.Byte() % _values.Length], _gifts.Choose(script.Byte()));
                    break;
                case 1:
                    _ = HostileServer.Send(socket, script.Int64(), _gifts.Choose(script.Byte()));
                    break;
                case 2:
                    ReadOnlySpan<byte> part = script.Bytes(1 + (script.Byte() % 12));
                    if (part.Length > 0) _ = UnixSocket.Send(socket, part, _gifts.Choose(script.Byte()));
                    break;
                case 3:
                    _ = HostileServer.Send(socket, _values[script.Byte() % _values.Length], [.. _gifts.Choose(script.Byte()), .. _gifts.Choose(script.Byte()), .. _gifts.Choose(2)]);
                    break;
                case 4:
                    _ = HostileServer.Send(socket, 0) && HostileServer.Send(socket, 1) && HostileServer.Send(socket, -1, _gifts.Memory) && HostileServer.Send(socket, 1, _gifts.Event);
                    break;
                case 5:
                    long peer = script.Byte();
                    for (int left = script.Byte() % 64; left > 0; left--) _ = HostileServer.Send(socket, peer, _gifts.Event);
                    break;
                case 6:
                    return;
            }
        }
    }

    // The sentence without its numbers and the path.
    private string Shape(string message) => string.Concat(message.Replace(_server.SocketPath, "", StringComparison.Ordinal).Where(letter => !char.IsDigit(letter)));
}
