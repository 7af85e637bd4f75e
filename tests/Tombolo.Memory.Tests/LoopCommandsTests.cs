// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Memory.Tests;

public sealed class LoopCommandsTests : IDisposable
{
    private readonly LoopCommands _commands = new();
    private readonly Epoll _epoll = new();

    public LoopCommandsTests() => _epoll.Add(_commands.Descriptor, EpollEvents.Readable, 1);

    [Fact]
    public void Post_Several_WakeTheLoopAndRunInTheirOrder()
    {
        var done = new List<int>();
        for (int i = 0; i < 3; i++)
        {
            int mine = i;
            _commands.Post(() => done.Add(mine));
        }
        IsReady().ShouldBeTrue();
        _commands.Run();
        done.ShouldBe([0, 1, 2]);
        IsReady().ShouldBeFalse();
    }

    [Fact]
    public async Task AskAsync_WhatTheCommandThrows_ComesOutThereAndNotInTheLoop()
    {
        Task<int> answer = _commands.AskAsync<int>(() => throw new ArgumentException("no"), new TaskCompletionSource().Task, "test");
        _commands.Run();
        (await answer.ShouldThrowAsync<ArgumentException>()).Message.ShouldBe("no");
    }

    [Fact]
    public async Task AskAsync_TheLoopEndsFirst_SaysSo()
    {
        var ended = new TaskCompletionSource();
        Task<int> answer = _commands.AskAsync(() => 1, ended.Task, "test");
        ended.SetResult();
        (await answer.ShouldThrowAsync<ObjectDisposedException>()).Message.ShouldContain("The test has ended.");
    }

    [Fact]
    public async Task AskAsync_TheLoopRuns_GivesItsAnswer()
    {
        Task<int> answer = _commands.AskAsync(() => 42, new TaskCompletionSource().Task, "test");
        _commands.Run();
        (await answer.WaitAsync(Watchdog.Limit)).ShouldBe(42);
    }

    public void Dispose()
    {
        _epoll.Dispose();
        _commands.Dispose();
    }

    private bool IsReady() => _epoll.Wait(new EpollReport[1], TimeSpan.Zero) == 1;
}
