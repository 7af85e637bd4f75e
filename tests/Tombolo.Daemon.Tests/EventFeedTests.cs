// SPDX-License-Identifier: MIT
namespace Tombolo.Daemon.Tests;

public sealed class EventFeedTests
{
    private static readonly TimeSpan _watchdog = TimeSpan.FromSeconds(60);

    private readonly EventFeed<int> _feed = new();

    [Fact]
    public async Task Listen_AfterTheFact_HearsThePastThenTheNew()
    {
        _feed.Publish(1);
        await using IAsyncEnumerator<int> listener = _feed.ListenAsync(default).GetAsyncEnumerator();
        (await NextAsync(listener)).ShouldBe(1);

        _feed.Publish(2);

        (await NextAsync(listener)).ShouldBe(2);
    }

    [Fact]
    public async Task End_ListenerWithEventsWaiting_HearsThemAll()
    {
        await using IAsyncEnumerator<int> listener = _feed.ListenAsync(default).GetAsyncEnumerator();
        _feed.Publish(1);
        ValueTask<bool> first = listener.MoveNextAsync();
        _feed.Publish(2);
        _feed.End();

        (await first).ShouldBeTrue();
        (await NextAsync(listener)).ShouldBe(2);
        (await listener.MoveNextAsync().AsTask().WaitAsync(_watchdog)).ShouldBeFalse();
    }

    [Fact]
    public async Task Listen_AfterTheEnd_HearsThePastAndEnds()
    {
        _feed.Publish(7);
        _feed.End();

        List<int> heard = [];
        await foreach (int item in _feed.ListenAsync(default)) heard.Add(item);

        heard.ShouldBe([7]);
    }

    [Fact]
    public async Task Publish_ListenerThatDoesNotRead_IsNotHeldUpAndTheOldestGiveWay()
    {
        await using IAsyncEnumerator<int> slow = _feed.ListenAsync(default).GetAsyncEnumerator();
        _feed.Publish(-1);
        (await NextAsync(slow)).ShouldBe(-1);

        for (int i = 0; i < 10 * EventFeed<int>.Kept; i++) _feed.Publish(i);
        _feed.End();

        List<int> heard = [];
        while (await slow.MoveNextAsync()) heard.Add(slow.Current);
        heard.Count.ShouldBe(2 * EventFeed<int>.Kept);
        heard[^1].ShouldBe((10 * EventFeed<int>.Kept) - 1);
    }

    private static async Task<int> NextAsync(IAsyncEnumerator<int> listener)
    {
        (await listener.MoveNextAsync().AsTask().WaitAsync(_watchdog)).ShouldBeTrue();
        return listener.Current;
    }
}
