// SPDX-License-Identifier: MIT
using Tombolo.Testing;

namespace Tombolo.Linux.Tests;

/// <summary>The second process that some tests need; see <see cref="Child"/>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        switch (args)
        {
            case ["connect", string path]:
                using (UnixSocket.Connect(path, UnixSocketKind.Stream)) return AfterParent("connected");
            case ["lock", string path]:
                using (FileLock? taken = FileLock.TryTake(path, out int owner)) return AfterParent(taken is null ? $"held by {owner}" : "taken");
            case ["futex", string path]:
                return SleepOn(path);
            case ["counted", string path, string socket]:
                return CountedTransferTests.SendForEver(path, socket);
            case ["accept"]:
                return AcceptorTests.RunFull();
            case ["bus-error"]:
                return BusErrorGuardTests.TouchUnguarded();
            case ["fill"]:
                return ReceiveWithoutRoom();
            default:
                Console.Error.WriteLine($"These tests have no part called '{string.Join(' ', args)}'.");
                return 2;
        }
    }

    private static int AfterParent(string said)
    {
        Console.WriteLine(said);
        _ = Console.ReadLine();
        return 0;
    }

    private static unsafe int SleepOn(string path)
    {
        using SafeFd fd = SharedFile.Open(path);
        using MemoryMapping mapping = MemoryMapping.Map(fd, 4096);
        Console.WriteLine("about to sleep");
        // SAFETY: the mapping is a page long and lives to the end of the method.
        Console.WriteLine(Futex.Wait(ref *(uint*)mapping.Address, 7, Watchdog.Limit));
        return 0;
    }

    // Has room for two more descriptors and is sent five.
    private static int ReceiveWithoutRoom()
    {
        (SafeFd sender, SafeFd receiver) = UnixSocket.Pair(UnixSocketKind.Stream);
        using SafeFd gift = EventFd.Create();
        SocketResult sent = UnixSocket.Send(sender, "x"u8, gift, gift, gift, gift, gift);
        var fill = new Stack<SafeFd>();
        try
        {
            while (true) fill.Push(gift.Duplicate());
        }
        catch (LinuxException exception) when (exception.Errno == Errno.TooManyOpenFiles)
        {
            fill.Pop().Dispose();
            fill.Pop().Dispose();
        }
        using var inbox = new FdInbox();
        SocketResult received = UnixSocket.Receive(receiver, new byte[8], inbox);
        int came = inbox.Count;
        bool wasTruncated = inbox.WasTruncated;
        inbox.Clear();
        int room = 0;
        try
        {
            for (; room < 10; room++) fill.Push(gift.Duplicate());
        }
        catch (LinuxException exception) when (exception.Errno == Errno.TooManyOpenFiles) { }
        while (fill.TryPop(out SafeFd? fd)) fd.Dispose();
        Console.WriteLine($"sent {sent.Bytes}, received {received.Bytes}, descriptors {came}, truncated {wasTruncated}, room afterwards {room}");
        return 0;
    }
}
