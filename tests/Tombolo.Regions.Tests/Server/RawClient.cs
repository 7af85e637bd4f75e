// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Regions.Tests.Server;

/// <summary>A host client written from the protocol's page alone: bytes out, exactly so many bytes in.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly SafeFd _socket;
    private readonly FdInbox _inbox = new();
    private readonly List<SafeFd> _held = [];

    public RawClient(string path) => _socket = UnixSocket.Connect(path, UnixSocketKind.Stream, Watchdog.Limit);

    public SafeFd Socket => _socket;

    public RawClient Say(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        for (int sent = 0; sent < bytes.Length;)
        {
            SocketResult result = UnixSocket.Send(_socket, bytes.AsSpan(sent));
            sent += result.Bytes;
            if (result.IsMoved) continue;
            if (!result.IsWouldBlock) throw new IOException($"send: error {result.Errno}");
            _ = UnixSocket.Wait(_socket, forReading: false, Watchdog.Limit);
        }
        return this;
    }

    /// <summary>Reads exactly so many bytes; fewer if the server hangs up.</summary>
    public string Read(int count)
    {
        byte[] bytes = new byte[count];
        int filled = 0;
        while (filled < count)
        {
            SocketResult result = UnixSocket.Receive(_socket, bytes.AsSpan(filled), _inbox);
            filled += result.Bytes;
            if (result.IsClosed) break;
            if (!result.IsMoved && !UnixSocket.Wait(_socket, forReading: true, Watchdog.Limit)) throw new TimeoutException("the server says nothing");
        }
        return Encoding.ASCII.GetString(bytes, 0, filled);
    }

    /// <summary>Reads one data byte and the one descriptor that comes with it.</summary>
    public SafeFd ReadFd()
    {
        Read(1).Length.ShouldBe(1);
        _inbox.Count.ShouldBe(1);
        _inbox.TryTake(out SafeFd? fd).ShouldBeTrue();
        _held.Add(fd!);
        return fd!;
    }

    public void ShouldBeClosed()
    {
        Read(1).ShouldBe("");
        _inbox.Count.ShouldBe(0);
    }

    /// <summary>The whole conversation of an existing client.</summary>
    public (uint Begin, uint End, SafeFd FromGuest, SafeFd ToGuest, SafeFd Window) Ask(string region)
    {
        Say("GET PROTOCOL_VER");
        Read(10).ShouldBe("0x00000000");
        Say($"INFORM REGION_NAME_LEN: 0x{region.Length:x8}");
        Say(region);
        (string begin, string end) = (Read(10), Read(10));
        var given = (Convert.ToUInt32(begin, 16), Convert.ToUInt32(end, 16), ReadFd(), ReadFd(), ReadFd());
        ShouldBeClosed();
        return given;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _inbox.Dispose();
        foreach (SafeFd fd in _held) fd.Dispose();
    }
}
