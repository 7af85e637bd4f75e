// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>Listening, connecting, credentials. Source: unix(7).</summary>
public sealed class UnixSocketTests : IDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0x1FF;
    private readonly TemporaryFolder _folder = new();

    private string SocketPath => _folder["s"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Listen_PathExists_FailsAndLeavesItAlone()
    {
        File.WriteAllText(SocketPath, "mine");
        Should.Throw<LinuxException>(() => UnixSocket.Listen(SocketPath, UnixSocketKind.Stream)).Errno.ShouldBe(Errno.AddressInUse);
        File.ReadAllText(SocketPath).ShouldBe("mine");
    }

    [Fact]
    public void Listen_LiveListener_GoesOnAfterASecondOneFailed()
    {
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream);
        _ = Should.Throw<LinuxException>(() => UnixSocket.Listen(SocketPath, UnixSocketKind.Stream));
        using SafeFd client = UnixSocket.Connect(SocketPath, UnixSocketKind.Stream);
        using SafeFd? accepted = UnixSocket.TryAccept(listener, out _);
        _ = accepted.ShouldNotBeNull();
    }

    [Fact]
    public void Listen_GroupRefused_LeavesNoFileAndNoDescriptor()
    {
        File.SetUnixFileMode(_folder.FullPath, Everybody);
        FdCount.AssertUnchanged(() => OtherUser.Run(() =>
            Should.Throw<LinuxException>(() => UnixSocket.Listen(SocketPath, UnixSocketKind.Stream, groupId: 0)).Errno.ShouldBe(Errno.NotPermitted)));
        Path.Exists(SocketPath).ShouldBeFalse();
    }

    [Theory]
    [InlineData(0x180)]   // 0600
    [InlineData(0x1B0)]   // 0660
    [InlineData(0x1B6)]   // 0666
    public void Listen_Mode_IsExactWhateverTheUmask(int mode)
    {
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream, (UnixFileMode)mode);
        File.GetUnixFileMode(SocketPath).ShouldBe((UnixFileMode)mode);
    }

    [Fact]
    public void Listen_OwnersOnly_RefusesAnotherUser()
    {
        if (LinuxProcess.EffectiveUserId != 0) return;   // there is no other user to be
        File.SetUnixFileMode(_folder.FullPath, Everybody);
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream, (UnixFileMode)0x180);
        _ = OtherUser.Run(() => Should.Throw<LinuxException>(() => UnixSocket.Connect(SocketPath, UnixSocketKind.Stream)).Errno.ShouldBe(Errno.AccessDenied));
    }

    [Fact]
    public void Path_LongestAndOneMore_FitsAndIsRefusedWithTheLimit()
    {
        string longest = _folder[new string('x', UnixSocket.MaxPathBytes - _folder.FullPath.Length - 1)];
        longest.Length.ShouldBe(UnixSocket.MaxPathBytes);
        using SafeFd listener = UnixSocket.Listen(longest, UnixSocketKind.Stream);
        using SafeFd client = UnixSocket.Connect(longest, UnixSocketKind.Stream);
        Path.Exists(longest).ShouldBeTrue();
        ArgumentException refused = Should.Throw<ArgumentException>(() => UnixSocket.Listen(longest + "x", UnixSocketKind.Stream));
        refused.Message.ShouldContain("108 bytes");
        refused.Message.ShouldContain("107 bytes");
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0abstract")]
    [InlineData("cut\0off")]
    public void Path_NoFile_IsRefused(string path)
    {
        _ = Should.Throw<ArgumentException>(() => UnixSocket.Listen(path, UnixSocketKind.Stream));
        _ = Should.Throw<ArgumentException>(() => UnixSocket.Connect(path, UnixSocketKind.Stream));
    }

    [Fact]
    public void Connect_NoFileAndDeadFile_SayWhich()
    {
        Should.Throw<LinuxException>(() => UnixSocket.Connect(SocketPath, UnixSocketKind.Stream)).Errno.ShouldBe(Errno.NoEntry);
        UnixSocket.Listen(SocketPath, UnixSocketKind.Stream).Dispose();   // the file stays
        Should.Throw<LinuxException>(() => UnixSocket.Connect(SocketPath, UnixSocketKind.Stream)).Errno.ShouldBe(Errno.ConnectionRefused);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public void Connect_QueueFull_GivesUpAfterTheTime(int milliseconds)
    {
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream, backlog: 0);
        using SafeFd waits = UnixSocket.Connect(SocketPath, UnixSocketKind.Stream);
        Watchdog.Run(() => Should.Throw<LinuxException>(() => UnixSocket.Connect(SocketPath, UnixSocketKind.Stream, TimeSpan.FromMilliseconds(milliseconds))).Errno.ShouldBe(Errno.WouldBlock));
    }

    [Fact]
    public void Sockets_AllWays_AreCloseOnExecAndNonBlocking()
    {
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream);
        using SafeFd client = UnixSocket.Connect(SocketPath, UnixSocketKind.Stream);
        using SafeFd? accepted = UnixSocket.TryAccept(listener, out int errno);
        errno.ShouldBe(0);
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.SequencedPacket);
        using (first)
        using (second)
            foreach (SafeFd fd in new[] { listener, client, accepted!, first, second })
            {
                Descriptor.IsCloseOnExec(fd).ShouldBeTrue();
                Descriptor.IsNonBlocking(fd).ShouldBeTrue();
            }
    }

    [Fact]
    public void TryAccept_NobodyWaits_SaysWouldBlock()
    {
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream);
        UnixSocket.TryAccept(listener, out int errno).ShouldBeNull();
        errno.ShouldBe(Errno.WouldBlock);
    }

    [Fact]
    public void TryAccept_ClientSentAndLeft_StillGivesItsBytes()
    {
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream);
        using (SafeFd client = UnixSocket.Connect(SocketPath, UnixSocketKind.Stream)) _ = UnixSocket.Send(client, "hi"u8);
        using SafeFd? accepted = UnixSocket.TryAccept(listener, out _);
        using var inbox = new FdInbox();
        UnixSocket.Receive(accepted.ShouldNotBeNull(), new byte[8], inbox).Bytes.ShouldBe(2);
    }

    [Fact]
    public void CredentialsOf_ChildProcess_NamesIt()
    {
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream);
        using Child child = Child.Of<UnixSocketTests>("connect", SocketPath);
        child.ReadLine().ShouldBe("connected");
        using SafeFd? accepted = UnixSocket.TryAccept(listener, out _);
        var expected = new PeerCredentials(child.Id, LinuxProcess.EffectiveUserId, LinuxProcess.EffectiveGroupId);
        UnixSocket.CredentialsOf(accepted.ShouldNotBeNull()).ShouldBe(expected);
        child.Kill();
        UnixSocket.CredentialsOf(accepted).ShouldBe(expected);   // as it was at connect time
    }

    [Fact]
    public void CredentialsOf_AnotherUser_NamesUserAndGroup()
    {
        File.SetUnixFileMode(_folder.FullPath, Everybody);
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream, Everybody);
        SafeFd? client = null;
        uint user = OtherUser.Run(() => client = UnixSocket.Connect(SocketPath, UnixSocketKind.Stream));
        using (client)
        using (SafeFd? accepted = UnixSocket.TryAccept(listener, out _))
        {
            PeerCredentials who = UnixSocket.CredentialsOf(accepted.ShouldNotBeNull());
            who.UserId.ShouldBe(user);
            if (user == OtherUser.Id) who.GroupId.ShouldBe(OtherUser.Id);
        }
    }

    [Fact]
    public void CredentialsOf_SeenFromTheConnector_NamesTheListener()
    {
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream);
        using SafeFd client = UnixSocket.Connect(SocketPath, UnixSocketKind.Stream);   // not accepted yet
        UnixSocket.CredentialsOf(client).ProcessId.ShouldBe(Environment.ProcessId);
    }

    [Fact]
    public void FailingCalls_LoseNoDescriptor() => FdCount.AssertUnchanged(() =>
    {
        using SafeFd eventFd = EventFd.Create();
        using SafeFd listener = UnixSocket.Listen(SocketPath, UnixSocketKind.Stream);
        _ = Should.Throw<LinuxException>(() => UnixSocket.Listen(SocketPath, UnixSocketKind.Stream));
        _ = Should.Throw<LinuxException>(() => UnixSocket.Listen(_folder["no/such/folder"], UnixSocketKind.Stream));
        _ = Should.Throw<LinuxException>(() => UnixSocket.Connect(_folder["nobody"], UnixSocketKind.Stream));
        _ = Should.Throw<LinuxException>(() => UnixSocket.Connect(SocketPath, UnixSocketKind.SequencedPacket));   // EPROTOTYPE
        _ = Should.Throw<LinuxException>(() => UnixSocket.CredentialsOf(eventFd));
        _ = Should.Throw<LinuxException>(() => UnixSocket.UnreadByPeer(eventFd));
        _ = Should.Throw<LinuxException>(() => UnixSocket.SetBufferSizes(eventFd, 4096));
        UnixSocket.TryAccept(listener, out _).ShouldBeNull();
        File.Delete(SocketPath);
    });
}
