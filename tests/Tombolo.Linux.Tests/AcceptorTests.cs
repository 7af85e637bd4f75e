// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

public sealed class AcceptorTests
{
    [Fact]
    public void Accept_SeveralWait_TakesAsManyAsAsked()
    {
        using var folder = new TemporaryFolder();
        using SafeFd listener = UnixSocket.Listen(folder["s"], UnixSocketKind.Stream);
        SafeFd[] clients = [.. Enumerable.Range(0, 3).Select(_ => UnixSocket.Connect(folder["s"], UnixSocketKind.Stream))];
        using var acceptor = new Acceptor();
        var admitted = new List<SafeFd>();
        acceptor.Accept(listener, 2, admitted.Add, _ => throw new InvalidOperationException("refused"));
        admitted.Count.ShouldBe(2);
        acceptor.Accept(listener, 2, admitted.Add, _ => throw new InvalidOperationException("refused"));
        admitted.Count.ShouldBe(3);
        foreach (SafeFd fd in clients.Concat(admitted)) fd.Dispose();
    }

    [Fact]
    public void Accept_NoDescriptorLeft_HandsOutTheOneHeldBackEachTime()
    {
        using Child child = Child.Under<AcceptorTests>(["prlimit", "--nofile=256:256"], "accept");
        child.ReadLine().ShouldBe("admitted 0, refused 5; admitted 1, refused 0");
        child.WaitForExit().ShouldBe(0);
    }

    /// <summary>The second process: five connect while no descriptor is left, one when there is room again.</summary>
    internal static int RunFull()
    {
        using var folder = new TemporaryFolder();
        using SafeFd listener = UnixSocket.Listen(folder["s"], UnixSocketKind.Stream);
        using var acceptor = new Acceptor();
        SafeFd[] clients = [.. Enumerable.Range(0, 5).Select(_ => UnixSocket.Connect(folder["s"], UnixSocketKind.Stream))];
        var fill = new List<SafeFd>();
        try
        {
            while (true) fill.Add(EventFd.Create());
        }
        catch (LinuxException exception) when (exception.Errno == Errno.TooManyOpenFiles) { }
        int admitted = 0, refused = 0;
        void Accept() => acceptor.Accept(listener, 10, socket => Count(socket, ref admitted), socket => Count(socket, ref refused));
        Accept();
        string first = $"admitted {admitted}, refused {refused}";
        (admitted, refused) = (0, 0);
        foreach (SafeFd fd in fill.Concat(clients)) fd.Dispose();
        using SafeFd late = UnixSocket.Connect(folder["s"], UnixSocketKind.Stream);
        Accept();
        Console.WriteLine($"{first}; admitted {admitted}, refused {refused}");
        return 0;
    }

    private static void Count(SafeFd socket, ref int counter)
    {
        counter++;
        socket.Dispose();
    }
}
