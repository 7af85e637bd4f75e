// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>The keeper: a process that holds a server's sockets and descriptors, so that the server may die. It does nothing else.</summary>
/// <remarks>
/// Theory of operation. One thread, one epoll. Whoever connects (same user, or root) stores descriptors under names, and takes duplicates of all of them back.
/// A server that dies takes nothing with it: its descriptors are still open here. The keeper ends when it is told to quit, or when it has held nothing, with nobody connected, for 30 seconds.
/// It is never in the way of data: no message passes through it.
/// </remarks>
public static class DescriptorKeeper
{
    private const ulong ListenerToken = ulong.MaxValue;
    private static readonly TimeSpan _idlePatience = TimeSpan.FromSeconds(30);

    /// <summary>Runs the keeper until it is told to quit.</summary>
    /// <param name="socketPath">Where to listen. A socket file that nobody listens on is replaced.</param>
    /// <param name="onReady">Called once, when it can be connected to.</param>
    /// <exception cref="LinuxException">The socket cannot be made: another keeper listens there, for instance.</exception>
    public static void Run(string socketPath, Action onReady)
    {
        LinuxProcess.StartSession();
        _ = ResourceLimit.RaiseOpenFiles();
        using SafeFd listener = ListenOn(socketPath);
        using var epoll = new Epoll();
        epoll.Add(listener, EpollEvents.Readable, ListenerToken);
        var servers = new Dictionary<ulong, SafeFd>();
        var kept = new SortedDictionary<string, List<SafeFd>>(StringComparer.Ordinal);
        onReady();
        var reports = new EpollReport[16];
        ulong nextToken = 0;
        bool isQuitting = false;
        while (!isQuitting)
        {
            bool isIdle = kept.Count == 0 && servers.Count == 0;
            int count = epoll.Wait(reports, isIdle ? _idlePatience : Timeout.InfiniteTimeSpan);
            if (count == 0 && isIdle) break;
            foreach (EpollReport report in reports.AsSpan(0, count))
            {
                if (report.Token == ListenerToken)
                {
                    if (Accept(listener) is not { } socket) continue;
                    epoll.Add(socket, EpollEvents.Readable, nextToken);
                    servers.Add(nextToken++, socket);
                }
                else if (servers.TryGetValue(report.Token, out SafeFd? server))
                {
                    Verdict verdict = Serve(server, kept);
                    if (verdict == Verdict.GoOn) continue;
                    epoll.Remove(server);
                    server.Dispose();
                    _ = servers.Remove(report.Token);
                    isQuitting |= verdict == Verdict.Quit;
                }
            }
        }
        File.Delete(socketPath);
        foreach (SafeFd fd in servers.Values.Concat(kept.Values.SelectMany(fds => fds))) fd.Dispose();
    }

    private enum Verdict
    {
        GoOn,
        Gone,
        Quit,
    }

    private static SafeFd ListenOn(string path)
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try { return UnixSocket.Listen(path, UnixSocketKind.SequencedPacket, OwnerOnly); }
        catch (LinuxException exception) when (exception.Errno == Errno.AddressInUse)
        {
            try { UnixSocket.Connect(path, UnixSocketKind.SequencedPacket).Dispose(); }
            catch (LinuxException nobody) when (nobody.Errno == Errno.ConnectionRefused)
            {
                File.Delete(path);
                return UnixSocket.Listen(path, UnixSocketKind.SequencedPacket, OwnerOnly);
            }
            throw;
        }
    }

    private static SafeFd? Accept(SafeFd listener)
    {
        SafeFd? socket = UnixSocket.TryAccept(listener, out _);
        if (socket is null) return null;
        uint user = UnixSocket.CredentialsOf(socket).UserId;
        if (user == 0 || user == LinuxProcess.EffectiveUserId) return socket;
        socket.Dispose();
        return null;
    }

    // Serves one packet.
    private static Verdict Serve(SafeFd server, SortedDictionary<string, List<SafeFd>> kept)
    {
        using var inbox = new FdInbox();
        Span<byte> bytes = stackalloc byte[KeeperPacket.MaxBytes + 1];
        SocketResult result = UnixSocket.Receive(server, bytes, inbox);
        if (result.IsWouldBlock) return Verdict.GoOn;
        if (!result.IsMoved || !KeeperPacket.TryRead(bytes[..result.Bytes], out KeeperPacket packet)) return Verdict.Gone;
        switch (packet.Operation)
        {
            case KeeperOperation.Store:
                Forget(kept, packet.Name);
                var fds = new List<SafeFd>(inbox.Count);
                while (inbox.TryTake(out SafeFd? fd)) fds.Add(fd);
                if (fds.Count > 0) kept.Add(packet.Name, fds);
                return Verdict.GoOn;
            case KeeperOperation.Remove:
                Forget(kept, packet.Name);
                return Verdict.GoOn;
            case KeeperOperation.Take:
                foreach ((string name, List<SafeFd> entry) in kept)
                    if (!Reply(server, new(KeeperOperation.Entry, name), entry)) return Verdict.Gone;
                return Reply(server, new(KeeperOperation.End, ""), []) ? Verdict.GoOn : Verdict.Gone;
            case KeeperOperation.Quit:
                return Verdict.Quit;
            default:
                return Verdict.Gone;
        }
    }

    private static void Forget(SortedDictionary<string, List<SafeFd>> kept, string name)
    {
        if (!kept.Remove(name, out List<SafeFd>? old)) return;
        foreach (SafeFd fd in old) fd.Dispose();
    }

    private static bool Reply(SafeFd server, KeeperPacket packet, List<SafeFd> fds) =>
        PacketSender.TrySend(server, packet, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(fds));
}
